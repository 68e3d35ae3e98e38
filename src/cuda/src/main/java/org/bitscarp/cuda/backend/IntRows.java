package org.bitscarp.cuda.backend;

import org.bitscarp.quant.GroupedInt;

/**
 * Rows of integers whose grids and codes are still being chosen, in memory of the lane.
 *
 * @param columns weights in a row
 * @param grids address of a {@code GridRecord} ({@code int_grid.cuh}) for each block of each row, aligned to 4
 * @param codes address of a byte for each weight
 * @param fallbacks address of a long that is added to: fallbacks of grids
 */
record IntRows(GroupedInt format, int rows, int columns, long grids, long codes, long fallbacks) {
    private static final int GRID_BYTES = 8;

    /** Bytes of the grids of {@code rows} rows. */
    static long gridBytes(GroupedInt format, int rows, int columns) {
        return (long) GRID_BYTES * rows * Math.ceilDiv(columns, format.blockLength(columns));
    }

    /** Weights in a full block. */
    int length() {
        return format.blockLength(columns);
    }

    int maxCode() {
        return (1 << format.bits()) - 1;
    }

    /** The zero point of symmetric grids, −1 where each block stores its own. */
    int zero() {
        return PackedFormat.of(format, columns).orElseThrow().zero();
    }
}
