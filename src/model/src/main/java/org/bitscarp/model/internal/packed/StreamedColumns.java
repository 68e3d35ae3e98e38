package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * GPTQ's {@code qweight}: {@code [in·bits/32, out]} words of which each column is the {@link BitWords stream} of one
 * output's codes.
 *
 * <p>A row of the matrix is a column of the file. Tiles take a run of columns, so that every page is touched once per
 * tile, and turn the words around on the way, so that codes are then unpacked in order.
 *
 * @param words words of a column
 * @param out columns
 */
record StreamedColumns(Part part, int bits, int in, int words, long out) implements Codes {
    /** Words of a tile: 1 MiB, which a second-level cache holds. */
    static final int TILE_WORDS = 1 << 18;

    /** Words of a column that are moved together: a cache line. */
    private static final int STRIP = 16;

    @Override
    public int tileRows() {
        return Math.max(1, TILE_WORDS / Math.max(1, words));
    }

    @Override
    public Tile tile(long firstRow, int rows) throws IOException {
        int[] turned = new int[Math.multiplyExact(rows, words)];
        int[] strip = new int[STRIP * rows];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = part.map(arena);
            for (int word = 0; word < words; word += STRIP) {
                int n = Math.min(STRIP, words - word);
                for (int k = 0; k < n; k++) {
                    Part.words(bytes, (word + k) * out + firstRow, rows, strip, k * rows);
                }
                for (int row = 0; row < rows; row++) {
                    for (int k = 0; k < n; k++) {
                        turned[row * words + word + k] = strip[k * rows + row];
                    }
                }
            }
        }
        return (row, codes) -> BitWords.stream(bits, turned, row * words, codes, in);
    }
}
