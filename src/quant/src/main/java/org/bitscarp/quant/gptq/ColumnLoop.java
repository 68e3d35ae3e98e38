package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.Grid;

/**
 * Algorithm 1 of arXiv 2210.17323 on a tile of rows. Updates are lazy twice: within {@link #STEP} columns each weight's error
 * goes to the others at once, for all rows before the next column, so that rows need not wait for each other; a step fetches
 * those of its batch when it begins, and a batch all before it, in one product each. Every weight takes errors in the order of
 * columns. Weights and errors lie column by column, {@link ColumnStep#ROWS} rows each. Floor: n² operations a row.
 */
final class ColumnLoop {
    private static final int ROWS = ColumnStep.ROWS;
    /** Columns within which every error goes to the others at once. */
    private static final int STEP = ColumnStep.WIDTH;

    private final GridFit fit;
    private final PackedUpper u;
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
        this.u = factor.upper();
        this.plan = plan;
        this.fitted = fitted;
    }

    /** Bytes that {@link #run} takes for a tile's weights, or for their errors. */
    static long bytes(int columns) {
        return 4L * ROWS * (Math.ceilDiv(columns, RegisterTile.ROWS) + 1) * RegisterTile.ROWS;
    }

    /**
     * Chooses grids and codes of a tile.
     *
     * @param work room for {@link #bytes}
     * @param errors the same
     */
    void run(RowTile tile, MemorySegment work, MemorySegment errors) {
        tile.load(plan.order(), work, ROWS);
        ColumnStep step = new ColumnStep(tile, work, errors);
        Front all = new Front(tile, work, errors, 0);
        for (int b = 0; b + 1 < plan.batches().length; b++) {
            int begin = plan.batches()[b];
            int end = plan.batches()[b + 1];
            all.reach(begin, end);
            Front batch = new Front(tile, work, errors, begin);
            for (int first = begin, last; first < end; first = last) {
                last = fitted ? Math.min(end, first + STEP) : ColumnPlan.end(first, end, STEP, tile.blockLength);
                batch.reach(first, last);
                round(tile, step, work, first, last);
            }
        }
        tile.decode();
    }

    /** How far errors have been taken to the columns behind them. */
    private final class Front {
        private final RowTile tile;
        private final MemorySegment work;
        private final MemorySegment errors;
        /** Columns before this one have nothing to do with it. */
        private final int base;
        /** Columns {@code [since, ready)} have seen the errors before {@link #since}. */
        private int since;

        private int ready;

        Front(RowTile tile, MemorySegment work, MemorySegment errors, int base) {
            this.tile = tile;
            this.work = work;
            this.errors = errors;
            this.base = base;
        }

        /**
         * Takes the errors before column {@code first} to columns {@code [first, last)}, and where a block begins there that
         * goes on behind them to all of it: its grid is fitted to weights that have seen all updates.
         */
        void reach(int first, int last) {
            if (first < ready) {
                int known = Math.min(last, ready);
                feed(work, errors, since, first, first, known);
                feed(work, errors, base, first, known, last);
            } else {
                int block = Math.min(tile.columns, (first / tile.blockLength + 1) * tile.blockLength);
                ready = fitted ? last : Math.max(last, block);
                feed(work, errors, base, first, first, ready);
                since = first;
            }
        }
    }

    /** Takes the errors of columns {@code [from, to)} to columns {@code [first, last)}, which lie behind them. */
    private void feed(MemorySegment work, MemorySegment errors, int from, int to, int first, int last) {
        int width = u.width();
        int aside = Math.ceilDiv(u.size(), width) * width;
        for (int p = from; p < to; p += RegisterTile.DEPTH) {
            int deep = Math.min(RegisterTile.DEPTH, to - p);
            for (int column = first / width * width; column < last; column += width) {
                int begin = Math.max(first, column);
                int end = Math.min(last, column + width);
                // Behind the last column of all, nothing is lost.
                boolean cut = begin > column || (end < column + width && end < u.size());
                int shift = cut ? aside - column : 0;
                if (cut) {
                    copyColumns(work, begin, begin + shift, end - begin);
                }
                RegisterTile.add(
                        deep,
                        u.data(),
                        u.at(p, column),
                        errors,
                        (long) p * ROWS,
                        work,
                        (long) (column + shift) * ROWS,
                        ROWS);
                if (cut) {
                    copyColumns(work, begin + shift, begin, end - begin);
                }
            }
        }
    }

    private static void copyColumns(MemorySegment work, int from, int to, int count) {
        MemorySegment.copy(work, 4L * from * ROWS, work, 4L * to * ROWS, 4L * count * ROWS);
    }

    /** Rounds columns {@code [first, last)}. */
    private void round(RowTile tile, ColumnStep step, MemorySegment work, int first, int last) {
        float[] feedback = new float[STEP];
        for (int at = first; at < last; at++) {
            int column = plan.order()[at];
            int block = column / tile.blockLength;
            if (!fitted && column % tile.blockLength == 0) {
                float[] w = new float[tile.length(block)];
                for (int r = 0; r < tile.rows; r++) {
                    for (int i = 0; i < w.length; i++) {
                        w[i] = work.getAtIndex(JAVA_FLOAT, (long) (at + i) * ROWS + r);
                    }
                    tile.grids[r][block] = fit.fit(w, 0, w.length, column);
                }
            }
            for (int next = at + 1; next < last; next++) {
                feedback[next - first] = u.get(at, next);
            }
            step.round(at, column, u.get(at, at), feedback, first, last);
        }
        step.store(plan.order(), first, last);
    }
}
