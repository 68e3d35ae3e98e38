package org.bitscarp.model.internal;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Checks and copies a {@code TemplateProcessing} post-processor. The library resolves a template when it encodes, and
 * panics on a special token that is not listed or on the second sequence where there is one.
 */
final class TokenizerTemplate {
    private static final int MAX_PIECES = 1000;
    private static final int MAX_TYPE = 1 << 16;

    private TokenizerTemplate() {}

    static ObjectNode check(JsonNode node, String where) throws Refusal {
        ObjectNode copy = Json.MAPPER.createObjectNode().put("type", "TemplateProcessing");
        Set<String> listed = new HashSet<>();
        ObjectNode tokens = specialTokens(node.path("special_tokens"), where + ".special_tokens", listed);
        copy.set("single", pieces(node.path("single"), where + ".single", Set.of("A"), listed));
        copy.set("pair", pieces(node.path("pair"), where + ".pair", Set.of("A", "B"), listed));
        copy.set("special_tokens", tokens);
        return copy;
    }

    private static ObjectNode specialTokens(JsonNode node, String where, Set<String> listed) throws Refusal {
        if (!node.isObject()) {
            throw new Refusal(where + ": expected an object, found " + Json.kind(node));
        }
        ObjectNode copy = Json.MAPPER.createObjectNode();
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            String at = where + " \"" + entry.getKey() + "\"";
            JsonNode ids = entry.getValue().path("ids");
            JsonNode names = entry.getValue().path("tokens");
            if (!entry.getKey().equals(Refusal.string(entry.getValue().path("id"), at + ".id"))
                    || !ids.isArray()
                    || !names.isArray()
                    || ids.isEmpty()
                    || ids.size() != names.size()
                    || ids.size() > MAX_PIECES) {
                throw new Refusal(at + ": expected its own name as id, and as many ids as tokens");
            }
            ObjectNode token = copy.putObject(entry.getKey()).put("id", entry.getKey());
            ArrayNode idCopies = token.putArray("ids");
            ArrayNode nameCopies = token.putArray("tokens");
            for (int i = 0; i < ids.size(); i++) {
                idCopies.add(Refusal.id(ids.get(i), at + ".ids"));
                nameCopies.add(Refusal.string(names.get(i), at + ".tokens"));
            }
            listed.add(entry.getKey());
        }
        return copy;
    }

    private static ArrayNode pieces(JsonNode node, String where, Set<String> sequences, Set<String> listed)
            throws Refusal {
        if (!node.isArray() || node.size() > MAX_PIECES) {
            throw new Refusal(where + ": expected an array of at most " + MAX_PIECES + ", found " + Json.kind(node));
        }
        ArrayNode copy = Json.MAPPER.createArrayNode();
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < node.size(); i++) {
            String at = where + "[" + i + "]";
            String kind = node.get(i).has("Sequence") ? "Sequence" : "SpecialToken";
            JsonNode piece = node.get(i).path(kind);
            String id = Refusal.string(piece.path("id"), at + "." + kind + ".id");
            if (kind.equals("Sequence") ? !sequences.contains(id) || !seen.add(id) : !listed.contains(id)) {
                throw new Refusal(at + ": " + kind + " \"" + id + "\" "
                        + (kind.equals("Sequence")
                                ? "is not one of " + sequences + ", each once"
                                : "is not in special_tokens"));
            }
            int type = Refusal.integer(piece.path("type_id"), at + "." + kind + ".type_id", 0, MAX_TYPE);
            copy.addObject().putObject(kind).put("id", id).put("type_id", type);
        }
        if (seen.size() != sequences.size()) {
            throw new Refusal(where + ": expected each sequence of " + sequences + " once, found " + seen);
        }
        return copy;
    }
}
