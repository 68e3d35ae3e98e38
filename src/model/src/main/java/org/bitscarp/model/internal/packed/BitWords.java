package org.bitscarp.model.internal.packed;

/**
 * Codes in 32-bit words, the first in the lowest bits.
 *
 * <p>Two ways of filling words are in use. A stream puts code i at bits [i·bits, (i+1)·bits) of the words in order, so
 * that 32 codes of 3 bits take 3 words and two of them straddle a boundary (GPTQ). Whole codes per word leave 32 mod bits
 * bits of each word unused (compressed-tensors). For 1, 2, 4 and 8 bits both are the same.
 */
final class BitWords {
    private BitWords() {}

    /** Words that a stream of codes takes. */
    static long streamWords(long codes, int bits) {
        return Math.ceilDiv(Math.multiplyExact(codes, bits), 32L);
    }

    /** Unpacks a stream that begins with a word. */
    static void stream(int bits, int[] words, int first, byte[] codes, int count) {
        if (32 % bits == 0) {
            wholeCodes(bits, words, first, codes, count);
            return;
        }
        int mask = (1 << bits) - 1;
        long pending = 0;
        int held = 0;
        for (int i = 0; i < count; i++) {
            if (held < bits) {
                pending |= (words[first++] & 0xFFFFFFFFL) << held;
                held += 32;
            }
            codes[i] = (byte) (pending & mask);
            pending >>>= bits;
            held -= bits;
        }
    }

    /** The code that begins at a bit of a stream. */
    static int at(int bits, int[] words, long bit) {
        int word = (int) (bit >>> 5);
        int low = (int) (bit & 31);
        long pair = words[word] & 0xFFFFFFFFL;
        if (low + bits > 32) {
            pair |= (long) words[word + 1] << 32;
        }
        return (int) (pair >>> low) & (1 << bits) - 1;
    }

    /** Sets the code that begins at a bit of a stream, in words that are 0 there. */
    static void put(int bits, int[] words, long bit, int code) {
        int word = (int) (bit >>> 5);
        int low = (int) (bit & 31);
        words[word] |= code << low;
        if (low + bits > 32) {
            words[word + 1] |= code >>> 32 - low;
        }
    }

    /** Unpacks ⌊32 / bits⌋ codes from each word. */
    static void wholeCodes(int bits, int[] words, int first, byte[] codes, int count) {
        int perWord = 32 / bits;
        int mask = (1 << bits) - 1;
        int i = 0;
        for (; i + perWord <= count; i += perWord) {
            int word = words[first++];
            for (int k = 0; k < perWord; k++) {
                codes[i + k] = (byte) (word >>> k * bits & mask);
            }
        }
        for (int k = 0; i < count; i++, k++) {
            codes[i] = (byte) (words[first] >>> k * bits & mask);
        }
    }
}
