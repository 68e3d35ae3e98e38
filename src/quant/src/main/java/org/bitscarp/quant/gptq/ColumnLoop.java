package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Algorithm 1 of arXiv 2210.17323 on a tile of rows. Updates are lazy twice: within {@link #STEP} columns each weight's error
 * goes to the others at once, for all rows before the next column, so that rows need not wait for each other; from there to
 * the rest of the batch, and from the batch to all columns behind it, it goes through {@link TileProduct}. Floor: n²
 * operations a row.
 */
final class ColumnLoop {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    /** Columns whose weights lie side by side in registers: a multiple of every vector's length. */
    private static final int STEP = 16;

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
        float[] now = new float[tile.rows * STEP];
        for (int b = 0; b + 1 < plan.batches().length; b++) {
            int begin = plan.batches()[b];
            int end = plan.batches()[b + 1];
            int width = end - begin;
            for (int first = begin, last; first < end; first = last) {
                last = fitted ? Math.min(end, first + STEP) : ColumnPlan.end(first, end, STEP, tile.blockLength);
                step(tile, work, first, last, now, errors, first - begin, width);
                feed(tile, work, u, errors, first - begin, last - first, width, first, last, end);
            }
            feed(tile, work, u, errors, 0, width, width, begin, end, n);
        }
    }

    /** Takes the errors of {@code count} columns from {@code first} on to columns {@code [from, to)}. */
    private static void feed(
            RowTile tile,
            MemorySegment work,
            MemorySegment u,
            MemorySegment errors,
            int errorsAt,
            int count,
            int width,
            int first,
            int from,
            int to) {
        int n = tile.columns;
        if (from < to) {
            TileProduct.subtract(
                    tile.rows,
                    to - from,
                    count,
                    new View(errors, errorsAt, width, 1),
                    View.of(u, n, first, from),
                    View.of(work, n, 0, from));
        }
    }

    /**
     * Rounds columns {@code [first, last)}.
     *
     * @param now the weights of these columns, {@link #STEP} for each row
     * @param errors rows of {@code width}; those of these columns begin at {@code errorsAt}
     */
    private void step(
            RowTile tile,
            MemorySegment work,
            int first,
            int last,
            float[] now,
            MemorySegment errors,
            int errorsAt,
            int width) {
        int n = tile.columns;
        MemorySegment u = factor.upper().data();
        float[] feedback = new float[STEP];
        for (int r = 0; r < tile.rows; r++) {
            MemorySegment.copy(work, JAVA_FLOAT, 4L * ((long) r * n + first), now, r * STEP, last - first);
        }
        for (int j = first; j < last; j++) {
            int column = plan.order()[j];
            int block = column / tile.blockLength;
            int position = column % tile.blockLength;
            int place = j - first;
            long diagonal = (long) j * n + j;
            float pivot = u.getAtIndex(JAVA_FLOAT, diagonal);
            Arrays.fill(feedback, 0, place + 1, 0);
            MemorySegment.copy(u, JAVA_FLOAT, 4 * (diagonal + 1), feedback, place + 1, last - j - 1);
            for (int r = 0; r < tile.rows; r++) {
                if (!fitted && position == 0) {
                    tile.grids[r][block] = fit(tile, r, work, column, now, place, last);
                }
                float w = now[r * STEP + place];
                Grid grid = tile.grids[r][block];
                int code = grid.nearest(position, w);
                float value = grid.value(position, code);
                tile.codes[r][column] = code;
                tile.values[r][column] = value;
                float error = (w - value) / pivot;
                errors.setAtIndex(JAVA_FLOAT, (long) r * width + errorsAt + place, error);
                FloatVector minus = FloatVector.broadcast(SPECIES, -error);
                for (int v = 0; v < STEP; v += SPECIES.length()) {
                    int at = r * STEP + v;
                    FloatVector.fromArray(SPECIES, feedback, v)
                            .fma(minus, FloatVector.fromArray(SPECIES, now, at))
                            .intoArray(now, at);
                }
            }
        }
    }

    /** The grid of a block from the weights as they are now: up to column {@code last} in {@code now}, the others in work. */
    private Grid fit(RowTile tile, int row, MemorySegment work, int column, float[] now, int place, int last) {
        int length = tile.length(column / tile.blockLength);
        int here = Math.min(length, last - column);
        float[] w = new float[length];
        System.arraycopy(now, row * STEP + place, w, 0, here);
        long rest = (long) row * tile.columns + column + here;
        MemorySegment.copy(work, JAVA_FLOAT, 4 * rest, w, here, length - here);
        return fit.fit(w, 0, length, column);
    }
}
