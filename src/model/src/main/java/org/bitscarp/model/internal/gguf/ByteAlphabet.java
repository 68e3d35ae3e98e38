package org.bitscarp.model.internal.gguf;

import java.util.HashMap;
import java.util.Map;

/**
 * The printable stand-ins for bytes that byte-level vocabularies are spelled in: printable Latin-1 characters stand for
 * themselves, the other 68 bytes for U+0100 and up, in order ({@code bytes_to_unicode} of GPT-2's {@code encoder.py}).
 */
final class ByteAlphabet {
    private static final String[] SPELLING = new String[256];
    private static final Map<Integer, Integer> BYTES = new HashMap<>();

    static {
        int others = 0;
        for (int b = 0; b < 256; b++) {
            int codePoint = printable(b) ? b : 256 + others++;
            SPELLING[b] = GgufVocabulary.bytesOf(Character.toString(codePoint));
            BYTES.put(codePoint, b);
        }
    }

    private ByteAlphabet() {}

    private static boolean printable(int b) {
        return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
    }

    /** Byte string of the stand-in of a byte. */
    static String spelling(int b) {
        return SPELLING[b];
    }

    /** The byte that a character stands for, or −1. */
    static int byteOf(int codePoint) {
        return BYTES.getOrDefault(codePoint, -1);
    }
}
