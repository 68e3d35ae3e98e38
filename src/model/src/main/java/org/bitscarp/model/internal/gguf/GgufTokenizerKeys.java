package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.internal.TokenizerSource;
import org.bitscarp.model.internal.TokenizerTables;

/**
 * The {@code tokenizer.*} keys of a file: those of another GGUF file as they are, or what a tokenizer's tables come to.
 * The tokenizer that the keys describe must encode a text with everything that tells tokenizers apart as the original
 * does.
 */
public final class GgufTokenizerKeys {
    private static final String PREFIX = "tokenizer.";

    /** Contractions, numbers, white space of all kinds, cases, scripts with and without spaces, symbols, joined emoji. */
    static final String CHECK = "Hello world! It's 3.14, isn't it? I'LL we'Ve DON'T 'twas\n\n  Two  spaces,   three\t"
            + "tabs\t\t and\r\nlines. 1234567890 12 345 x86_64 v2.0-rc1 $100 50% (a+b)*c==d != e; {\"k\":[1,2]}\n"
            + "    indented = foo.bar(baz)  # comment\n<tag attr='x'>&amp;</tag> http://example.org/a?b=c&d=e#f "
            + "Das Öl überläuft, ça va déjà, señor; Привет, мир! Καλημέρα κόσμε. "
            + "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u3053\u3093\u306b\u3061\u306f \uc548\ub155\ud558\uc138\uc694 "
            + "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947 "
            + "\ud83d\ude00\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 \u2014 \u2018quoted\u2019 \u201cdouble\u201d"
            + "\u2026 \u00a0 \u2003 e\u0301 \ufb01 \u00bd \u00b2\u2075 \u2167 \u221e\u2260\u2211\n\n\n \n end   ";

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
        boolean incomplete = tables.kind() == TokenizerTables.Kind.SENTENCE_PIECE
                && !tables.types().contains(TokenizerTables.Type.BYTE);
        check(source, tables, incomplete ? spelled(tables) : CHECK);
        put(tables, keys);
        return incomplete
                ? List.of("The vocabulary has no tokens for bytes: llama.cpp refuses texts with characters that it does"
                        + " not spell.")
                : List.of();
    }

    /** The check text without the characters that no token spells. */
    private static String spelled(TokenizerTables tables) {
        Set<String> tokens = tables.tokens().stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .collect(Collectors.toSet());
        return CHECK.codePoints()
                .mapToObj(Character::toString)
                .filter(c -> c.equals(" ") || tokens.contains(c))
                .collect(Collectors.joining());
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

    private static void check(Checkpoint source, TokenizerTables tables, String text) throws IOException {
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
            int[] expected = original.encode(text, true);
            int[] found = written.encode(text, true);
            int at = Arrays.mismatch(expected, found);
            if (at >= 0) {
                throw new ModelException(source.path() + ": as a GGUF tokenizer it would encode differently: token "
                        + at + " of a check text is " + piece(original, expected, at) + ", and would be "
                        + piece(original, found, at));
            }
        }
    }

    private static String piece(Tokenizer tokenizer, int[] ids, int at) {
        return at < ids.length ? ids[at] + " \"" + tokenizer.decode(new int[] {ids[at]}) + "\"" : "the end";
    }

    private static String latin1(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
