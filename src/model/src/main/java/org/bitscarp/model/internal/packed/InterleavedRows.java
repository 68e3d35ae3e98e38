package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * AWQ's {@code qweight}: {@code [in, out/8]} words of which each holds the 4-bit codes of eight outputs for one input,
 * from the lowest bits up those of outputs 0, 2, 4, 6, 1, 3, 5, 7.
 */
record InterleavedRows(Part part, int in, long out) implements Codes {
    static final int PER_WORD = 8;

    private static final int BITS = 4;

    /** Lowest bit of output {@code o mod 8}. */
    private static final int[] SHIFT = {0, 16, 4, 20, 8, 24, 12, 28};

    /** The code of an output in its word. */
    static int code(int word, long output) {
        return word >>> SHIFT[(int) (output % PER_WORD)] & 0xF;
    }

    @Override
    public int bits() {
        return BITS;
    }

    @Override
    public int tileRows() {
        return Math.max(1, StreamedColumns.TILE_WORDS / in) * PER_WORD;
    }

    @Override
    public Tile tile(long firstRow, int rows) throws IOException {
        int firstWord = (int) (firstRow / PER_WORD);
        int width = (int) ((firstRow + rows - 1) / PER_WORD) - firstWord + 1;
        int[] turned = new int[Math.multiplyExact(width, in)];
        int[] line = new int[width];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = part.map(arena);
            for (int i = 0; i < in; i++) {
                Part.words(bytes, i * (out / PER_WORD) + firstWord, width, line, 0);
                for (int w = 0; w < width; w++) {
                    turned[w * in + i] = line[w];
                }
            }
        }
        return (row, codes) -> {
            long output = firstRow + row;
            int shift = SHIFT[(int) (output % PER_WORD)];
            int from = ((int) (output / PER_WORD) - firstWord) * in;
            for (int i = 0; i < in; i++) {
                codes[i] = (byte) (turned[from + i] >>> shift & 0xF);
            }
        };
    }
}
