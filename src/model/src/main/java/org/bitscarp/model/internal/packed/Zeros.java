package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Zero points of a packed matrix: the code of the value 0, for each row and group of columns. */
interface Zeros {
    /** Zero points of some rows, group by group within a row: {@code rows × groups} of them. */
    int[] of(long firstRow, int rows) throws IOException;

    /** The same for all. */
    static Zeros constant(int zero, int groups) {
        return (firstRow, rows) -> {
            int[] zeros = new int[Math.multiplyExact(rows, groups)];
            Arrays.fill(zeros, zero);
            return zeros;
        };
    }

    /**
     * GPTQ's {@code qzeros}: {@code [groups, out·bits/32]} words of which each row is the {@link BitWords stream} of one
     * group's zero points.
     *
     * @param added to the stored code, modulo 2^bits: 1 in version 1 of the format, else 0
     */
    static Zeros streams(Part part, int bits, int groups, int words, int added) {
        int mask = (1 << bits) - 1;
        return (firstRow, rows) -> {
            long firstWord = firstRow * bits / 32;
            int n = (int) (((firstRow + rows) * bits + 31) / 32 - firstWord);
            return gather(part, groups, words, firstWord, n, rows, (line, row) -> {
                long bit = (firstRow + row) * bits - 32 * firstWord;
                return BitWords.at(bits, line, bit) + added & mask;
            });
        };
    }

    /** AWQ's {@code qzeros}: {@code [groups, out/8]} words, interleaved as {@link InterleavedRows} says. */
    static Zeros interleaved(Part part, int groups, int words) {
        return (firstRow, rows) -> {
            long firstWord = firstRow / InterleavedRows.PER_WORD;
            int n = (int) ((firstRow + rows - 1) / InterleavedRows.PER_WORD - firstWord) + 1;
            return gather(part, groups, words, firstWord, n, rows, (line, row) -> {
                long output = firstRow + row;
                return InterleavedRows.code(line[(int) (output / InterleavedRows.PER_WORD - firstWord)], output);
            });
        };
    }

    /** The {@code weight_zero_point} of compressed-tensors: {@code [⌈out / ⌊32/bits⌋⌉, groups]} words of whole codes. */
    static Zeros stackedWords(Part part, int bits, int groups) {
        int perWord = 32 / bits;
        int mask = (1 << bits) - 1;
        return (firstRow, rows) -> {
            int[] zeros = new int[Math.multiplyExact(rows, groups)];
            long firstWord = firstRow / perWord;
            int n = (int) ((firstRow + rows - 1) / perWord - firstWord) + 1;
            int[] words = new int[Math.multiplyExact(n, groups)];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = part.map(4 * firstWord * groups, 4L * words.length, arena);
                Part.words(bytes, 0, words.length, words, 0);
            }
            for (int row = 0; row < rows; row++) {
                int line = (int) ((firstRow + row) / perWord - firstWord) * groups;
                int shift = (int) ((firstRow + row) % perWord) * bits;
                for (int group = 0; group < groups; group++) {
                    zeros[row * groups + group] = words[line + group] >>> shift & mask;
                }
            }
            return zeros;
        };
    }

    /** Takes a row's zero point out of words of one group. */
    interface Field {
        int of(int[] line, int row);
    }

    /** Reads words {@code [firstWord, firstWord + n)} of each group and takes the rows' fields out of them. */
    private static int[] gather(Part part, int groups, int words, long firstWord, int n, int rows, Field field)
            throws IOException {
        int[] zeros = new int[Math.multiplyExact(rows, groups)];
        int[] line = new int[n];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = part.map(arena);
            for (int group = 0; group < groups; group++) {
                Part.words(bytes, (long) group * words + firstWord, n, line, 0);
                for (int row = 0; row < rows; row++) {
                    zeros[row * groups + group] = field.of(line, row);
                }
            }
        }
        return zeros;
    }
}
