package org.bitscarp.model.internal;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;

/** Tells whether a tokenizer that is about to be written encodes as the one that it was made of. */
public final class TokenizerCheck {
    /** Contractions, numbers, white space of all kinds, cases, scripts with and without spaces, symbols, joined emoji. */
    private static final String CHECK =
            "Hello world! It's 3.14, isn't it? I'LL we'Ve DON'T 'twas\n\n  Two  spaces,   three\t"
                    + "tabs\t\t and\r\nlines. 1234567890 12 345 x86_64 v2.0-rc1 $100 50% (a+b)*c==d != e; {\"k\":[1,2]}\n"
                    + "    indented = foo.bar(baz)  # comment\n<tag attr='x'>&amp;</tag> http://example.org/a?b=c&d=e#f "
                    + "Das Öl überläuft, ça va déjà, señor; Привет, мир! Καλημέρα κόσμε. "
                    + "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u3053\u3093\u306b\u3061\u306f \uc548\ub155\ud558\uc138\uc694 "
                    + "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947 "
                    + "\ud83d\ude00\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 \u2014 \u2018quoted\u2019 \u201cdouble\u201d"
                    + "\u2026 \u00a0 \u2003 e\u0301 \ufb01 \u00bd \u00b2\u2075 \u2167 \u221e\u2260\u2211\n\n\n \n end   ";

    private TokenizerCheck() {}

    /** Whether some characters have no tokens, not even those of their bytes. */
    public static boolean incomplete(TokenizerTables tables) {
        return tables.kind() == TokenizerTables.Kind.SENTENCE_PIECE
                && !tables.types().contains(TokenizerTables.Type.BYTE);
    }

    /**
     * Encodes a text with everything that tells tokenizers apart.
     *
     * @param as what is written, for messages: {@code as a GGUF tokenizer}
     * @throws ModelException where the tokens differ, naming the first
     */
    public static void require(Path source, String as, TokenizerTables tables, Tokenizer original, Tokenizer written)
            throws ModelException {
        String text = incomplete(tables) ? spelled(tables) : CHECK;
        int[] expected = original.encode(text, true);
        int[] found = written.encode(text, true);
        int at = Arrays.mismatch(expected, found);
        if (at >= 0) {
            throw new ModelException(source + ": " + as + " it would encode differently: token " + at
                    + " of a check text is " + piece(original, expected, at) + ", and would be "
                    + piece(original, found, at));
        }
    }

    private static String piece(Tokenizer tokenizer, int[] ids, int at) {
        return at < ids.length ? ids[at] + " \"" + tokenizer.decode(new int[] {ids[at]}) + "\"" : "the end";
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
}
