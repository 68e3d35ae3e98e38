package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.internal.TokenizerCheck;
import org.bitscarp.model.internal.TokenizerSource;
import org.bitscarp.model.internal.TokenizerTables;

/**
 * The {@code tokenizer.*} keys of a file: those of another GGUF file as they are, or what a tokenizer's tables come to.
 * The tokenizer that the keys describe must encode a text with everything that tells tokenizers apart as the original
 * does.
 */
public final class GgufTokenizerKeys {
    private static final String PREFIX = "tokenizer.";

    private GgufTokenizerKeys() {}

    /**
     * Puts the keys.
     *
     * @return what llama.cpp does differently on some texts
     * @throws ModelException for a tokenizer that llama.cpp has no counterpart of
     */
    public static List<String> put(Checkpoint source, GgufKeys keys) throws IOException {
        if (source.path().toString().endsWith(".gguf")) {
            copy(source.path(), keys);
            return List.of();
        }
        TokenizerTables tables = TokenizerSource.read(source, source.spec().vocabulary());
        check(source, tables);
        put(tables, keys);
        GgufChatTemplates.put(TokenizerSource.chatTemplates(source.path()), keys);
        return TokenizerCheck.incomplete(tables)
                ? List.of("The vocabulary has no tokens for bytes: llama.cpp refuses texts with characters that it does"
                        + " not spell.")
                : List.of();
    }

    private static void copy(Path file, GgufKeys keys) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            GgufMetadata metadata = GgufHeader.read(file, channel).metadata();
            for (String key : metadata.keys()) {
                if (key.startsWith(PREFIX)) {
                    keys.copy(metadata, key);
                }
            }
        }
    }

    private static void put(TokenizerTables tables, GgufKeys keys) {
        boolean sentencePiece = tables.kind() == TokenizerTables.Kind.SENTENCE_PIECE;
        keys.string(GgufTokenizers.MODEL, sentencePiece ? "llama" : "gpt2");
        keys.string(GgufTokenizers.PRE, sentencePiece ? "default" : tables.preTokenizer());
        keys.strings(GgufVocabulary.TOKENS, tables.tokens());
        keys.ints(GgufVocabulary.TYPES, types(tables));
        if (sentencePiece) {
            keys.floats(GgufTokenizers.SCORES, tables.scores());
            keys.bool(GgufTokenizers.SPACE_PREFIX, tables.spacePrefix());
        } else {
            keys.strings(GgufTokenizers.MERGES, tables.merges());
        }
        id(keys, GgufTokenizers.BOS, tables.bos());
        id(keys, GgufTokenizers.EOS, tables.eos());
        id(keys, GgufTokenizers.UNKNOWN, tables.unknown());
        keys.bool(GgufTokenizers.ADD_BOS, tables.addsBos());
        keys.bool(GgufTokenizers.ADD_EOS, false);
    }

    private static void id(GgufKeys keys, String key, int id) {
        if (id >= 0) {
            keys.u32(key, id);
        }
    }

    private static int[] types(TokenizerTables tables) {
        return tables.types().stream()
                .mapToInt(type -> switch (type) {
                    case NORMAL -> GgufVocabulary.NORMAL;
                    case UNKNOWN -> GgufVocabulary.UNKNOWN;
                    case CONTROL -> GgufVocabulary.CONTROL;
                    case USER_DEFINED -> GgufVocabulary.USER_DEFINED;
                    case UNUSED -> GgufVocabulary.UNUSED;
                    case BYTE -> GgufVocabulary.BYTE;
                })
                .toArray();
    }

    private static void check(Checkpoint source, TokenizerTables tables) throws IOException {
        GgufVocabulary vocabulary = GgufVocabulary.of(
                source.path(),
                tables.tokens().stream().map(GgufTokenizerKeys::latin1).toArray(String[]::new),
                types(tables));
        GgufTokenizer.Ends ends = new GgufTokenizer.Ends(tables.bos(), tables.eos(), tables.addsBos(), false);
        try (Tokenizer original = source.tokenizer();
                Tokenizer written = tables.kind() == TokenizerTables.Kind.SENTENCE_PIECE
                        ? new SentencePieceTokenizer(
                                vocabulary, tables.scores(), tables.unknown(), tables.spacePrefix(), ends, "")
                        : new ByteLevelTokenizer(
                                vocabulary,
                                tables.merges().stream()
                                        .map(GgufTokenizerKeys::latin1)
                                        .toArray(String[]::new),
                                PreTokenizer.of(tables.preTokenizer()).orElseThrow(),
                                ends,
                                "")) {
            TokenizerCheck.require(source.path(), "as a GGUF tokenizer", tables, original, written);
        }
    }

    private static String latin1(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
