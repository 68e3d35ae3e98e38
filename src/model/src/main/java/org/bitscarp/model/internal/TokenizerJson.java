package org.bitscarp.model.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.bitscarp.model.ModelException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A {@code tokenizer.json} that has been checked and written anew, so that the native library sees nothing but known
 * components with values in their ranges, and the same reading of the file that was checked. Truncation and padding are
 * switched off on the way: a perplexity is over the whole text.
 */
final class TokenizerJson {
    /** The largest published ones (vocabularies of 260,000) have 35 MB. */
    private static final long MAX_BYTES = 64L << 20;

    /** JSON tokens; the same files have 3 million. Bounds the tree in memory. */
    private static final int MAX_JSON_TOKENS = 6_000_000;

    /** Embeddings end far below; keeps ids away from the limits of 32-bit arithmetic in the library. */
    static final int MAX_ID = 1 << 24;

    private final String text;
    private final String sha256;
    private final TokenizerVocabulary vocabulary;

    private TokenizerJson(String text, String sha256, TokenizerVocabulary vocabulary) {
        this.text = text;
        this.sha256 = sha256;
        this.vocabulary = vocabulary;
    }

    static TokenizerJson read(Path file) throws IOException {
        Json.checkSize(file, MAX_BYTES);
        checkTokens(file);
        ObjectNode root = Json.readObject(file, MAX_BYTES);
        String sha256 = Hashes.sha256(Files.readAllBytes(file));
        try {
            return parse(root, sha256);
        } catch (Refusal e) {
            throw new ModelException(file + ": " + e.getMessage(), e);
        }
    }

    private static TokenizerJson parse(ObjectNode root, String sha256) throws Refusal {
        ObjectNode checked = Json.MAPPER.createObjectNode();
        checked.put("version", "1.0");
        checked.putNull("truncation");
        checked.putNull("padding");
        TokenizerVocabulary vocabulary = new TokenizerVocabulary();
        ObjectNode model = vocabulary.model(root.get("model"));
        checked.set("added_tokens", addedTokens(root.get("added_tokens"), vocabulary));
        for (TokenizerComponents.Kind kind : TokenizerComponents.Kind.values()) {
            checked.set(kind.key(), TokenizerComponents.check(kind, root.get(kind.key())));
        }
        checked.set("model", model);
        return new TokenizerJson(checked.toString(), sha256, vocabulary);
    }

    private static void checkTokens(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file);
                JsonParser json = Json.parser(in)) {
            int count = 0;
            while (json.nextToken() != null) {
                if (++count > MAX_JSON_TOKENS) {
                    throw new ModelException(file + ": more than " + MAX_JSON_TOKENS
                            + " JSON values; a tokenizer of a published model has half of that");
                }
            }
        } catch (JacksonException e) {
            throw Json.invalid(file, e);
        }
    }

    private static ArrayNode addedTokens(JsonNode node, TokenizerVocabulary vocabulary) throws Refusal {
        ArrayNode checked = Json.MAPPER.createArrayNode();
        if (node == null || node.isNull()) {
            return checked;
        }
        if (!node.isArray()) {
            throw new Refusal("added_tokens: expected an array, found " + Json.kind(node));
        }
        Set<String> seen = new HashSet<>();
        List<String> flags = List.of("single_word", "lstrip", "rstrip", "normalized", "special");
        for (int i = 0; i < node.size(); i++) {
            JsonNode token = node.get(i);
            String where = "added_tokens[" + i + "]";
            String content = Refusal.string(token.path("content"), where + ".content");
            int id = Refusal.id(token.path("id"), where + ".id");
            if (content.isEmpty() || !seen.add(content)) {
                throw new Refusal(
                        where + ": the token \"" + content + "\" is " + (content.isEmpty() ? "empty" : "repeated"));
            }
            vocabulary.added(where, content, id);
            ObjectNode copy = checked.addObject().put("id", id).put("content", content);
            for (String flag : flags) {
                if (!token.path(flag).isBoolean()) {
                    throw new Refusal(
                            where + "." + flag + ": expected true or false, found " + Json.kind(token.path(flag)));
                }
                copy.put(flag, token.path(flag).booleanValue());
            }
        }
        return checked;
    }

    /** What goes to the library. */
    String text() {
        return text;
    }

    /** Of the file as it is on disk. */
    String sha256() {
        return sha256;
    }

    /** Largest id plus one. */
    int vocabularySize() {
        return vocabulary.size();
    }

    OptionalInt id(String token) {
        return vocabulary.id(token);
    }
}
