package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.Grid;

/**
 * Algorithm 1 of arXiv 2210.17323 on a tile of rows. Floor: n² operations a row for the updates of what is to come, in
 * {@link TileProduct}; within a batch another n × 128.
 */
final class ColumnLoop {
    private final GridFit fit;
    private final InverseFactor factor;
    private final ColumnPlan plan;
    private final boolean fitted;

    /** Fits a grid to {@code w[from, from + length)}, whose first weight is in column {@code column}. */
    @FunctionalInterface
    interface GridFit {
        Grid fit(float[] w, int from, int length, int column);
    }

    /** @param fitted whether the tile's grids are there already */
    ColumnLoop(GridFit fit, InverseFactor factor, ColumnPlan plan, boolean fitted) {
        this.fit = fit;
        this.factor = factor;
        this.plan = plan;
        this.fitted = fitted;
    }

    /**
     * Chooses grids and codes of a tile.
     *
     * @param work room for rows × columns floats
     * @param errors room for rows × the widest batch
     */
    void run(RowTile tile, MemorySegment work, MemorySegment errors) {
        int n = tile.columns;
        MemorySegment u = factor.upper().data();
        tile.load(plan.order(), work);
        for (int b = 0; b + 1 < plan.batches().length; b++) {
            int begin = plan.batches()[b];
            int end = plan.batches()[b + 1];
            int width = end - begin;
            float[] corner = corner(u, n, begin, width);
            for (int r = 0; r < tile.rows; r++) {
                batch(tile, r, work, begin, corner, width, errors);
            }
            if (end < n) {
                TileProduct.subtract(
                        tile.rows,
                        n - end,
                        width,
                        new TileProduct.View(errors, 0, width, 1),
                        TileProduct.View.of(u, n, begin, end),
                        TileProduct.View.of(work, n, 0, end));
            }
        }
    }

    private static float[] corner(MemorySegment u, int n, int begin, int width) {
        float[] corner = new float[width * width];
        for (int i = 0; i < width; i++) {
            MemorySegment.copy(u, JAVA_FLOAT, 4L * ((long) (begin + i) * n + begin), corner, i * width, width);
        }
        return corner;
    }

    private void batch(
            RowTile tile, int row, MemorySegment work, int begin, float[] corner, int width, MemorySegment errors) {
        float[] w = new float[width];
        MemorySegment.copy(work, JAVA_FLOAT, 4L * ((long) row * tile.columns + begin), w, 0, width);
        for (int j = 0; j < width; j++) {
            int column = plan.order()[begin + j];
            if (!fitted && column % tile.blockLength == 0) {
                tile.grids[row][column / tile.blockLength] = fit(tile, row, work, column, w, j);
            }
            float error = (w[j] - tile.round(row, column, w[j])) / corner[j * width + j];
            errors.setAtIndex(JAVA_FLOAT, (long) row * width + j, error);
            int at = j * width;
            for (int k = j + 1; k < width; k++) {
                w[k] -= error * corner[at + k];
            }
        }
    }

    /** The grid of a block from the weights as they are now: those of the batch in {@code w}, those behind it in work. */
    private Grid fit(RowTile tile, int row, MemorySegment work, int column, float[] w, int j) {
        int length = tile.length(column / tile.blockLength);
        int inBatch = Math.min(length, w.length - j);
        if (inBatch == length) {
            return fit.fit(w, j, length, column);
        }
        float[] now = new float[length];
        System.arraycopy(w, j, now, 0, inBatch);
        long rest = (long) row * tile.columns + column + inBatch;
        MemorySegment.copy(work, JAVA_FLOAT, 4 * rest, now, inBatch, length - inBatch);
        return fit.fit(now, 0, length, column);
    }
}
