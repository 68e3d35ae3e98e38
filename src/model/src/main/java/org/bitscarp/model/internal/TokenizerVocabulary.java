package org.bitscarp.model.internal;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Checks and copies the {@code model} of a {@code tokenizer.json}: pieces, ids, merges. */
final class TokenizerVocabulary {
    /** Beyond this, sums of log-probabilities over a text stop being finite or exact. */
    private static final double MAX_SCORE = 1e6;

    /** WordPiece takes the square of it for a word that no piece begins; BERT has 100. */
    private static final int MAX_WORD = 1000;

    private final Map<String, Integer> ids = new HashMap<>();
    private int size;

    ObjectNode model(JsonNode node) throws Refusal {
        if (!(node instanceof ObjectNode model)) {
            throw new Refusal("model: expected an object, found " + Json.kind(node));
        }
        // Files of early versions do not name the type; only byte-pair models have merges.
        String type = model.hasNonNull("type")
                ? Refusal.string(model.get("type"), "model.type")
                : model.has("merges") ? "BPE" : "";
        return switch (type) {
            case "BPE" -> bpe(model);
            case "Unigram" -> unigram(model);
            case "WordPiece" -> wordPiece(model);
            case "WordLevel" -> withUnknown(copy(model, type, "unk_token"));
            default ->
                throw new Refusal("model.type: expected BPE, Unigram, WordPiece or WordLevel, found "
                        + Json.kind(model.path("type")));
        };
    }

    private ObjectNode bpe(ObjectNode model) throws Refusal {
        ObjectNode copy = copy(model, "BPE", "unk_token", "continuing_subword_prefix", "end_of_word_suffix");
        JsonNode dropout = model.path("dropout");
        if (!dropout.isMissingNode() && !dropout.isNull() && !(dropout.isNumber() && dropout.doubleValue() == 0)) {
            throw new Refusal("model.dropout: expected null, found " + Json.kind(dropout)
                    + "; it would make every encoding random");
        }
        copy.putNull("dropout");
        if (!copy.path("unk_token").isNull()) {
            withUnknown(copy);
        }
        for (String flag : new String[] {"fuse_unk", "byte_fallback", "ignore_merges"}) {
            JsonNode value = model.path(flag);
            if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
                throw new Refusal("model." + flag + ": expected true or false, found " + Json.kind(value));
            }
            copy.put(flag, value.isBoolean() && value.booleanValue());
        }
        String prefix = copy.path("continuing_subword_prefix").stringValue("");
        copy.set("merges", merges(model.path("merges"), prefix));
        return copy;
    }

    private ArrayNode merges(JsonNode merges, String prefix) throws Refusal {
        if (!merges.isArray()) {
            throw new Refusal("model.merges: expected an array, found " + Json.kind(merges));
        }
        ArrayNode checked = Json.MAPPER.createArrayNode();
        for (int i = 0; i < merges.size(); i++) {
            String where = "model.merges[" + i + "]";
            JsonNode merge = merges.get(i);
            String left;
            String right;
            if (merge.isArray() && merge.size() == 2) {
                left = Refusal.string(merge.get(0), where);
                right = Refusal.string(merge.get(1), where);
            } else {
                String pair = Refusal.string(merge, where);
                int space = pair.indexOf(' ');
                if (space < 0 || space != pair.lastIndexOf(' ')) {
                    throw new Refusal(
                            where + ": expected two pieces with a space between them, found \"" + pair + "\"");
                }
                left = pair.substring(0, space);
                right = pair.substring(space + 1);
            }
            // The library cuts the prefix off the right piece without looking, and looks the result up.
            if (!right.startsWith(prefix)) {
                throw new Refusal(
                        where + ": \"" + right + "\" does not begin with continuing_subword_prefix \"" + prefix + "\"");
            }
            String merged = left + right.substring(prefix.length());
            for (String piece : new String[] {left, right, merged}) {
                if (piece.isEmpty() || !ids.containsKey(piece)) {
                    throw new Refusal(where + ": \"" + piece + "\" is not in the vocabulary");
                }
            }
            checked.addArray().add(left).add(right);
        }
        return checked;
    }

    private ObjectNode unigram(ObjectNode model) throws Refusal {
        ObjectNode copy = Json.MAPPER.createObjectNode().put("type", "Unigram");
        JsonNode vocabulary = model.path("vocab");
        if (!vocabulary.isArray() || vocabulary.isEmpty()) {
            throw new Refusal("model.vocab: expected an array of pieces, found " + Json.kind(vocabulary));
        }
        ArrayNode pieces = copy.putArray("vocab");
        for (int i = 0; i < vocabulary.size(); i++) {
            String where = "model.vocab[" + i + "]";
            JsonNode entry = vocabulary.get(i);
            String piece = Refusal.string(entry.path(0), where);
            double score = entry.path(1).isNumber() ? entry.path(1).doubleValue() : Double.NaN;
            if (entry.size() != 2 || piece.isEmpty() || !(Math.abs(score) <= MAX_SCORE)) {
                throw new Refusal(where + ": expected [piece, score] with a score of at most ±" + MAX_SCORE + ", found "
                        + Json.kind(entry.path(0)) + ", " + Json.kind(entry.path(1)));
            }
            put(where, piece, i);
            pieces.addArray().add(piece).add(score);
        }
        // Without it, encoding fails at the first character that no piece covers.
        copy.put("unk_id", Refusal.integer(model.path("unk_id"), "model.unk_id", 0, vocabulary.size() - 1));
        JsonNode fallback = model.path("byte_fallback");
        copy.put("byte_fallback", fallback.isBoolean() && fallback.booleanValue());
        return copy;
    }

    private ObjectNode wordPiece(ObjectNode model) throws Refusal {
        ObjectNode copy = withUnknown(copy(model, "WordPiece", "unk_token", "continuing_subword_prefix"));
        JsonNode max = model.path("max_input_chars_per_word");
        copy.put("max_input_chars_per_word", Refusal.integer(max, "model.max_input_chars_per_word", 1, MAX_WORD));
        return copy;
    }

    /** Encoding fails at the first unknown word where the token for it has no id. */
    private ObjectNode withUnknown(ObjectNode copy) throws Refusal {
        if (!ids.containsKey(copy.path("unk_token").stringValue(""))) {
            throw new Refusal(
                    "model.unk_token: expected a piece of the vocabulary, found " + Json.kind(copy.path("unk_token")));
        }
        return copy;
    }

    /** The type, the vocabulary and the named strings (null where absent). */
    private ObjectNode copy(ObjectNode model, String type, String... strings) throws Refusal {
        ObjectNode copy = Json.MAPPER.createObjectNode().put("type", type);
        for (String key : strings) {
            if (model.hasNonNull(key)) {
                copy.put(key, Refusal.string(model.get(key), "model." + key));
            } else {
                copy.putNull(key);
            }
        }
        if (!(model.path("vocab") instanceof ObjectNode vocabulary) || vocabulary.isEmpty()) {
            throw new Refusal("model.vocab: expected pieces with ids, found " + Json.kind(model.path("vocab")));
        }
        Set<Integer> used = new HashSet<>();
        ObjectNode pieces = copy.putObject("vocab");
        for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
            String piece = entry.getKey();
            String where = "model.vocab \"" + piece + "\"";
            if (piece.codePoints().anyMatch(p -> p >= Character.MIN_SURROGATE && p <= Character.MAX_SURROGATE)) {
                throw new Refusal(where + ": half of a surrogate pair, so not Unicode text");
            }
            int id = Refusal.id(entry.getValue(), where);
            if (!used.add(id)) {
                throw new Refusal(where + ": id " + id + " is used twice");
            }
            put(where, piece, id);
            pieces.put(piece, id);
        }
        return copy;
    }

    private void put(String where, String piece, int id) throws Refusal {
        if (ids.putIfAbsent(piece, id) != null) {
            throw new Refusal(where + ": the piece is repeated");
        }
        size = Math.max(size, id + 1);
    }

    /** An added token: either one of the vocabulary under its id, or a new one. */
    void added(String where, String content, int id) throws Refusal {
        Integer known = ids.putIfAbsent(content, id);
        if (known != null && known != id) {
            throw new Refusal(where + ": \"" + content + "\" has id " + id + ", in the vocabulary it has " + known);
        }
        size = Math.max(size, id + 1);
    }

    int size() {
        return size;
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }
}
