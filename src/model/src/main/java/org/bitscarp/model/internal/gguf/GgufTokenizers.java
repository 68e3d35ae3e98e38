package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.internal.Hashes;

/** Makes the tokenizer of a GGUF file, with llama.cpp's defaults for keys that are absent. */
final class GgufTokenizers {
    private static final String PREFIX = "tokenizer.ggml.";
    static final String MODEL = PREFIX + "model";
    static final String PRE = PREFIX + "pre";
    static final String SCORES = PREFIX + "scores";
    static final String MERGES = PREFIX + "merges";
    static final String BOS = PREFIX + "bos_token_id";
    static final String EOS = PREFIX + "eos_token_id";
    static final String UNKNOWN = PREFIX + "unknown_token_id";
    static final String ADD_BOS = PREFIX + "add_bos_token";
    static final String ADD_EOS = PREFIX + "add_eos_token";
    static final String SPACE_PREFIX = PREFIX + "add_space_prefix";

    /** What the tokens of a text depend on. */
    private static final List<String> DEFINING = List.of(
            MODEL,
            PRE,
            GgufVocabulary.TOKENS,
            GgufVocabulary.TYPES,
            SCORES,
            MERGES,
            BOS,
            EOS,
            UNKNOWN,
            ADD_BOS,
            ADD_EOS,
            SPACE_PREFIX);

    private GgufTokenizers() {}

    /** What the keys of a tokenizer say. */
    sealed interface Parts {
        GgufVocabulary vocabulary();

        GgufTokenizer.Ends ends();
    }

    record SentencePieceParts(
            GgufVocabulary vocabulary, float[] scores, int unknown, boolean spacePrefix, GgufTokenizer.Ends ends)
            implements Parts {}

    record ByteLevelParts(
            GgufVocabulary vocabulary, String[] merges, PreTokenizer preTokenizer, GgufTokenizer.Ends ends)
            implements Parts {}

    /** @param limit rows of the embedding */
    static Tokenizer open(GgufMetadata metadata, int limit) throws IOException {
        return switch (read(metadata, limit)) {
            case SentencePieceParts p ->
                new SentencePieceTokenizer(p.vocabulary, p.scores, p.unknown, p.spacePrefix, p.ends, sha256(metadata));
            case ByteLevelParts p ->
                new ByteLevelTokenizer(p.vocabulary, p.merges, p.preTokenizer, p.ends, sha256(metadata));
        };
    }

    /** @param limit rows of the embedding */
    static Parts read(GgufMetadata metadata, int limit) throws IOException {
        String model = metadata.string(MODEL)
                .orElseThrow(() ->
                        new ModelException(metadata.file() + ": no tokenizer: metadata key " + MODEL + " is missing"));
        return switch (model) {
            case "llama" -> sentencePiece(metadata, limit);
            case "gpt2" -> byteLevel(metadata, limit);
            case "no_vocab", "none" ->
                throw new ModelException(metadata.file() + ": has no tokenizer (" + MODEL + " is " + model + ")");
            default ->
                throw new ModelException(
                        metadata.file() + ": tokenizer model " + model + " is not supported; supported: llama, gpt2");
        };
    }

    private static Parts sentencePiece(GgufMetadata metadata, int limit) throws IOException {
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata, limit);
        float[] scores = GgufArrays.floats(metadata, SCORES).orElse(new float[vocabulary.size()]);
        if (scores.length < vocabulary.size()) {
            throw new ModelException(metadata.file() + ": " + scores.length + " values in " + SCORES + " for "
                    + vocabulary.size() + " tokens");
        }
        return new SentencePieceParts(
                vocabulary,
                scores,
                id(metadata, UNKNOWN, 0, vocabulary),
                metadata.booleanOr(SPACE_PREFIX, true),
                ends(metadata, vocabulary, 1, 2, true));
    }

    private static Parts byteLevel(GgufMetadata metadata, int limit) throws IOException {
        String name = metadata.string(PRE).orElse("default");
        PreTokenizer preTokenizer = PreTokenizer.of(name)
                .orElseThrow(() -> new ModelException(metadata.file() + ": pre-tokenizer " + name + " (" + PRE
                        + ") is not supported; supported: " + PreTokenizer.supported()));
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata, limit);
        String[] merges = GgufArrays.byteStrings(metadata, MERGES)
                .orElseThrow(() -> new ModelException(metadata.file() + ": metadata key " + MERGES
                        + " is missing; a tokenizer of model gpt2 needs its merges"));
        boolean addsBos = preTokenizer.addsBos();
        // Without a key llama.cpp takes token 11 for both ends, which only counts where one is asked for.
        int end = metadata.booleanOr(ADD_BOS, addsBos) || metadata.booleanOr(ADD_EOS, false) ? 11 : -1;
        return new ByteLevelParts(vocabulary, merges, preTokenizer, ends(metadata, vocabulary, end, end, addsBos));
    }

    private static GgufTokenizer.Ends ends(
            GgufMetadata metadata, GgufVocabulary vocabulary, int bos, int eos, boolean addsBos) throws IOException {
        return new GgufTokenizer.Ends(
                id(metadata, BOS, bos, vocabulary),
                id(metadata, EOS, eos, vocabulary),
                metadata.booleanOr(ADD_BOS, addsBos),
                metadata.booleanOr(ADD_EOS, false));
    }

    /** An id outside the vocabulary leaves the default, and a default outside it means none. */
    private static int id(GgufMetadata metadata, String key, int absent, GgufVocabulary vocabulary) throws IOException {
        long id = metadata.integerOr(key, absent, Integer.MIN_VALUE, 0xFFFF_FFFFL);
        if (id < 0 || id >= vocabulary.size()) {
            id = absent;
        }
        return id < vocabulary.size() ? (int) id : -1;
    }

    /** Over the keys that define the tokenizer, with their values as they lie in the file. */
    private static String sha256(GgufMetadata metadata) throws IOException {
        MessageDigest digest = Hashes.sha256();
        for (String key : DEFINING) {
            if (metadata.has(key)) {
                digest.update((key + "\n").getBytes(StandardCharsets.UTF_8));
                GgufInput in = metadata.input(metadata.entry(key).orElseThrow());
                in.digest(digest, key);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
