package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.bitscarp.model.ModelException;

/**
 * The tokens of a GGUF file. Texts are byte strings: the UTF-8 bytes of a token, one char for each byte.
 */
final class GgufVocabulary {
    static final String TOKENS = "tokenizer.ggml.tokens";
    static final String TYPES = "tokenizer.ggml.token_type";

    /** Numbers of {@code tokenizer.ggml.token_type}. */
    static final int NORMAL = 1;

    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;
    static final int UNUSED = 5;
    static final int BYTE = 6;

    /**
     * Texts that llama.cpp takes for control tokens whatever type a converter gave them: ends of a text or turn, and the
     * marks of fill-in-the-middle ({@code llama_vocab::impl::load}).
     */
    private static final Set<String> ALWAYS_CONTROL = Set.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|flush|>",
            "<|calls|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "</s>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>",
            "<turn|>",
            "<|tool_response>",
            "<｜end▁of▁sentence｜>",
            "[e~[",
            "<|fim_prefix|>",
            "<fim-prefix>",
            "<fim_prefix>",
            "<｜fim▁begin｜>",
            "<PRE>",
            "▁<PRE>",
            "<|code_prefix|>",
            "<|prefix|>",
            "<|fim_suffix|>",
            "<fim-suffix>",
            "<fim_suffix>",
            "<｜fim▁hole｜>",
            "<SUF>",
            "▁<SUF>",
            "<|code_suffix|>",
            "<|suffix|>",
            "<|fim_middle|>",
            "<fim-middle>",
            "<fim_middle>",
            "<｜fim▁end｜>",
            "<MID>",
            "▁<MID>",
            "<|code_middle|>",
            "<|middle|>",
            "<|fim_pad|>",
            "<fim-pad>",
            "<fim_pad>",
            "<PAD>",
            "[PAD]",
            "<|fim_repo|>",
            "<|repo_name|>",
            "<fim-repo>",
            "<REPO>",
            "<reponame>",
            "<|file_sep|>");

    private final String[] texts;
    private final int[] types;
    private final Map<String, Integer> ids;

    private GgufVocabulary(String[] texts, int[] types, Map<String, Integer> ids) {
        this.texts = texts;
        this.types = types;
        this.ids = ids;
    }

    /** @param limit rows of the embedding: ids end there */
    static GgufVocabulary read(GgufMetadata metadata, int limit) throws IOException {
        String[] texts = GgufArrays.byteStrings(metadata, TOKENS)
                .orElseThrow(() ->
                        new ModelException(metadata.file() + ": no tokenizer: metadata key " + TOKENS + " is missing"));
        if (texts.length == 0 || texts.length > limit) {
            throw new ModelException(metadata.file() + ": " + texts.length + " tokens in " + TOKENS
                    + "; expected 1 to the " + limit + " rows of the embedding");
        }
        int[] types = GgufArrays.ints(metadata, TYPES).orElse(null);
        if (types == null) {
            types = new int[texts.length];
            Arrays.fill(types, NORMAL);
        } else if (types.length < texts.length) {
            throw new ModelException(
                    metadata.file() + ": " + types.length + " values in " + TYPES + " for " + texts.length + " tokens");
        }
        return of(metadata.file(), texts, types);
    }

    /**
     * @param file for messages
     * @param texts byte strings by id; empty ones are renamed
     * @param types by id; those of tokens that are always control tokens are changed
     */
    static GgufVocabulary of(Path file, String[] texts, int[] types) throws ModelException {
        Map<String, Integer> ids = HashMap.newHashMap(texts.length);
        for (int id = 0; id < texts.length; id++) {
            if (texts[id].isEmpty()) {
                // So does llama.cpp; an empty text could be found everywhere.
                texts[id] = "[EMPTY_" + id + "]";
            }
            Integer other = ids.putIfAbsent(texts[id], id);
            if (other != null) {
                throw new ModelException(
                        file + ": tokens " + other + " and " + id + " are both \"" + text(texts[id]) + "\"");
            }
            if (ALWAYS_CONTROL.contains(text(texts[id]))) {
                types[id] = CONTROL;
            }
        }
        return new GgufVocabulary(texts, types, ids);
    }

    int size() {
        return texts.length;
    }

    /** Byte string of a token. */
    String bytes(int id) {
        return texts[id];
    }

    int type(int id) {
        return types[id];
    }

    /** The id of a byte string, or −1. */
    int id(String bytes) {
        return ids.getOrDefault(bytes, -1);
    }

    static String text(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    static String bytesOf(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
