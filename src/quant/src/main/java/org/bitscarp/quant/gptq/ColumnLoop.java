package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Algorithm 1 of arXiv 2210.17323 on a tile of rows. Updates are lazy twice: within {@link #STEP} columns each weight's error
 * goes to the others at once, for all rows before the next column, so that rows need not wait for each other; from there to
 * the rest of the batch, and from the batch to all columns behind it, it goes through {@link TileProduct}. Floor: n²
 * operations a row.
 */
final class ColumnLoop {
    /** Columns within which every error goes to the others at once. */
    private static final int STEP = ColumnStep.WIDTH;

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
     * @param errors room for {@link ColumnStep#height} × the widest batch
     */
    void run(RowTile tile, MemorySegment work, MemorySegment errors) {
        int n = tile.columns;
        MemorySegment u = factor.upper().data();
        tile.load(plan.order(), work);
        ColumnStep step = new ColumnStep(tile);
        for (int b = 0; b + 1 < plan.batches().length; b++) {
            int begin = plan.batches()[b];
            int end = plan.batches()[b + 1];
            for (int first = begin, last; first < end; first = last) {
                last = fitted ? Math.min(end, first + STEP) : ColumnPlan.end(first, end, STEP, tile.blockLength);
                step(tile, step, work, first, last, errors, first - begin);
                feed(tile, work, u, step.errors(errors, first - begin), last - first, first, last, end);
            }
            feed(tile, work, u, step.errors(errors, 0), end - begin, begin, end, n);
        }
        tile.decode();
    }

    /** Takes the errors of {@code count} columns from {@code first} on to columns {@code [from, to)}. */
    private static void feed(
            RowTile tile, MemorySegment work, MemorySegment u, View errors, int count, int first, int from, int to) {
        int n = tile.columns;
        if (from < to) {
            TileProduct.subtract(
                    tile.rows, to - from, count, errors, View.of(u, n, first, from), View.of(work, n, 0, from));
        }
    }

    /** Rounds columns {@code [first, last)}, whose errors begin at the {@code errorsAt}-th column. */
    private void step(
            RowTile tile,
            ColumnStep step,
            MemorySegment work,
            int first,
            int last,
            MemorySegment errors,
            int errorsAt) {
        int n = tile.columns;
        int count = last - first;
        MemorySegment u = factor.upper().data();
        float[] feedback = new float[STEP];
        step.load(work, first, count);
        for (int place = 0; place < count; place++) {
            int column = plan.order()[first + place];
            int block = column / tile.blockLength;
            if (!fitted && column % tile.blockLength == 0) {
                for (int r = 0; r < tile.rows; r++) {
                    tile.grids[r][block] = fit(tile, r, work, column, step, place, last);
                }
            }
            long diagonal = (long) (first + place) * (n + 1);
            float pivot = u.getAtIndex(JAVA_FLOAT, diagonal);
            MemorySegment.copy(u, JAVA_FLOAT, 4 * (diagonal + 1), feedback, place + 1, count - place - 1);
            step.round(place, column, pivot, feedback, count, errors, errorsAt + place);
        }
        step.store(plan.order(), first, count);
    }

    /** The grid of a block from the weights as they are now: up to column {@code last} in the step, the others in work. */
    private Grid fit(RowTile tile, int row, MemorySegment work, int column, ColumnStep step, int place, int last) {
        int length = tile.length(column / tile.blockLength);
        int here = Math.min(length, last - column);
        float[] w = new float[length];
        step.row(row, place, here, w);
        long rest = (long) row * tile.columns + column + here;
        MemorySegment.copy(work, JAVA_FLOAT, 4 * rest, w, here, length - here);
        return fit.fit(w, 0, length, column);
    }
}
