package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;

/**
 * The {@code weight_packed} of compressed-tensors: {@code [out, ⌈in / ⌊32/bits⌋⌉]} words of {@link BitWords whole codes},
 * row after row.
 *
 * @param words words of a row
 */
record WordRows(Part part, int bits, int in, int words) implements Codes {
    @Override
    public int tileRows() {
        return Math.max(1, StreamedColumns.TILE_WORDS / Math.max(1, words));
    }

    @Override
    public Tile tile(long firstRow, int rows) throws IOException {
        int[] packed = new int[Math.multiplyExact(rows, words)];
        try (Arena arena = Arena.ofConfined()) {
            Part.words(part.map(4 * firstRow * words, 4L * packed.length, arena), 0, packed.length, packed, 0);
        }
        return (row, codes) -> BitWords.wholeCodes(bits, packed, row * words, codes, in);
    }
}
