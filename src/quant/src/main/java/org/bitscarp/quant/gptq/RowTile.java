package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.Nonfinite;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.SquaredError;
import org.bitscarp.quant.gptq.TileProduct.View;

/** Some rows of a matrix while they are quantized: weights, and for each the grid, the code and its value. */
final class RowTile {
    /** Columns that are laid out at a time, a cache line of each row. */
    private static final int STRIP = 16;

    final int rows;
    final int columns;
    /** Weights in a full block of the format. */
    final int blockLength;
    /** What codes are chosen for, by row, then column; NaN and infinities are 0. */
    final float[][] weights;

    final float[][] values;
    final int[][] codes;
    /** By row, then block. */
    final Grid[][] grids;

    private final int first;
    /** Those of the matrix, which {@link #weights} are unless they aim elsewhere. */
    private float[][] original;

    private long nonfinite;

    RowTile(DenseMatrix source, int first, int rows, BlockFormat format, Grid shared) {
        this.first = first;
        this.rows = rows;
        columns = source.columns();
        blockLength = format.blockLength(columns);
        weights = new float[rows][columns];
        values = new float[rows][columns];
        codes = new int[rows][columns];
        grids = new Grid[rows][(columns + blockLength - 1) / blockLength];
        for (int r = 0; r < rows; r++) {
            source.row(first + r, weights[r]);
            int count = Nonfinite.count(weights[r]);
            if (count > 0) {
                Nonfinite.clear(weights[r], weights[r]);
                nonfinite += count;
            }
            Arrays.fill(grids[r], shared);
        }
        original = weights;
    }

    /**
     * Moves the weights that codes are chosen for by −W·M.
     *
     * @param correction M, [columns, columns]
     * @param work room for rows × columns floats
     * @param moved takes the moved weights, row after row
     */
    void aim(DenseMatrix correction, MemorySegment work, MemorySegment moved) {
        original = new float[rows][];
        for (int r = 0; r < rows; r++) {
            original[r] = weights[r].clone();
            MemorySegment.copy(weights[r], 0, work, JAVA_FLOAT, 4L * r * columns, columns);
        }
        MemorySegment.copy(work, 0, moved, 0, 4L * rows * columns);
        View in = View.of(work, columns, 0, 0);
        TileProduct.subtract(
                rows, columns, columns, in, View.of(correction.data(), columns, 0, 0), View.of(moved, columns, 0, 0));
        for (int r = 0; r < rows; r++) {
            MemorySegment.copy(moved, JAVA_FLOAT, 4L * r * columns, weights[r], 0, columns);
        }
    }

    /** Weights in a block, the last of a row may be shorter. */
    int length(int block) {
        return Math.min(blockLength, columns - block * blockLength);
    }

    /**
     * Writes w column by column.
     *
     * @param order of the columns
     * @param height rows that there is room for in a column; those that are not there are 0
     */
    void load(int[] order, MemorySegment target, int height) {
        if (rows < height) {
            target.asSlice(0, 4L * height * columns).fill((byte) 0);
        }
        for (int first = 0; first < columns; first += STRIP) {
            int last = Math.min(columns, first + STRIP);
            for (int r = 0; r < rows; r++) {
                float[] row = weights[r];
                for (int j = first; j < last; j++) {
                    target.setAtIndex(JAVA_FLOAT, (long) j * height + r, row[order[j]]);
                }
            }
        }
    }

    /** Takes the values of all codes. */
    void decode() {
        int[] block = new int[blockLength];
        for (int r = 0; r < rows; r++) {
            for (int b = 0; b < grids[r].length; b++) {
                int length = length(b);
                System.arraycopy(codes[r], b * blockLength, block, 0, length);
                grids[r][b].values(block, length, values[r], b * blockLength);
            }
        }
    }

    /** Writes q − w, row after row. */
    void errors(MemorySegment target) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                target.setAtIndex(JAVA_FLOAT, (long) r * columns + c, values[r][c] - weights[r][c]);
            }
        }
    }

    /** Packs the rows and counts what happened. */
    void pack(PackedMatrix target, SolveStats stats) {
        BlockFormat format = target.format();
        long rowBytes = format.rowBytes(columns);
        int[] block = new int[blockLength];
        for (int r = 0; r < rows; r++) {
            long offset = (first + r) * rowBytes;
            for (int b = 0; b < grids[r].length; b++) {
                int length = length(b);
                System.arraycopy(codes[r], b * blockLength, block, 0, length);
                format.encode(grids[r][b], block, length, target.bytes(), offset);
                offset += format.blockBytes(length);
                stats.fallbacks += grids[r][b].fallbacks();
            }
            SquaredError.add(original[r], values[r], stats);
        }
        stats.weights += (long) rows * columns;
        stats.nonfinite += nonfinite;
    }
}
