package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Which version of GPTQ's format a module has; {@link GptqLinears} says how that is decided.
 *
 * @param number 1 or 2
 * @param symmetric whether the module's zero points settled it: all of its first group are 2^(bits−1)
 */
record GptqVersion(int number, boolean symmetric) {
    /** @param words words of a group's zero points */
    static GptqVersion of(GptqSettings settings, Part qzeros, int bits, int words, long out) throws IOException {
        int uniform = settings.symmetric().orElse(true) ? uniformZero(qzeros, bits, words, out) : -1;
        int middle = 1 << bits - 1;
        if (uniform == middle || uniform == middle - 1) {
            return new GptqVersion(uniform == middle ? 2 : 1, true);
        }
        return new GptqVersion(settings.version() == 0 ? 1 : settings.version(), false);
    }

    /** What is added to a stored zero point. */
    int added() {
        return number == 1 ? 1 : 0;
    }

    /** The value that the first group stores for all outputs, or −1. */
    private static int uniformZero(Part qzeros, int bits, int words, long out) throws IOException {
        int[] first = new int[words];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = qzeros.map(0, 4L * words, arena);
            Part.words(bytes, 0, words, first, 0);
        }
        int zero = BitWords.at(bits, first, 0);
        for (long o = 1; o < out; o++) {
            if (BitWords.at(bits, first, o * bits) != zero) {
                return -1;
            }
        }
        return zero;
    }
}
