package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Some neighbouring columns of a tile while they are rounded. They lie column by column, so that the rows of the tile fill
 * vectors: where all rows have evenly spaced grids, a column is rounded for all of them at once, with the same operations and
 * so the same codes as one by one. Floor: about 12 vector operations a column, and one for each column behind it.
 */
final class ColumnStep {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int LANES = FLOATS.length();
    /** Columns at most. */
    static final int WIDTH = 16;

    private final RowTile tile;
    /** Rows with those that fill up the last vector. */
    private final int height;

    // Element (row, place) at place × height + row.
    private final float[] now;
    private final int[] codes;

    // By row.
    private final float[] error;
    private final float[] scale;
    private final float[] offset;
    private final float[] low;
    private final float[] high;
    private final float[] zero;

    /** Which parameters the grids' arrays hold: block and part of the block; −1 for none. */
    private int evenBlock = -1;

    private int evenPart;
    private boolean even;

    ColumnStep(RowTile tile) {
        this.tile = tile;
        height = height(tile.rows);
        now = new float[WIDTH * height];
        codes = new int[WIDTH * height];
        error = new float[height];
        scale = new float[height];
        offset = new float[height];
        low = new float[height];
        high = new float[height];
        zero = new float[height];
        Arrays.fill(scale, 1);
    }

    /** Rows that whole vectors take for {@code rows}. */
    static int height(int rows) {
        return (rows + LANES - 1) / LANES * LANES;
    }

    /** Errors of {@code count} columns from the {@code at}-th of a batch on, as {@link TileProduct} wants them. */
    View errors(MemorySegment errors, int at) {
        return new View(errors, (long) at * height, 1, height);
    }

    /** The weights of columns {@code [first, first + count)}, as the columns before have left them. */
    void load(MemorySegment work, int first, int count) {
        float[] row = new float[WIDTH];
        for (int r = 0; r < tile.rows; r++) {
            MemorySegment.copy(work, JAVA_FLOAT, 4L * ((long) r * tile.columns + first), row, 0, count);
            for (int p = 0; p < count; p++) {
                now[p * height + r] = row[p];
            }
        }
    }

    /** Copies a row's weights from {@code place} on. */
    void row(int row, int place, int count, float[] target) {
        for (int p = 0; p < count; p++) {
            target[p] = now[(place + p) * height + row];
        }
    }

    /**
     * Rounds the column at a place and takes its error to those behind it.
     *
     * @param column its number in the matrix
     * @param pivot of the factor in this column
     * @param feedback what the factor has right of it, for places {@code [place + 1, count)}
     * @param errors gets the errors over the pivot, at the {@code at}-th column
     */
    void round(int place, int column, float pivot, float[] feedback, int count, MemorySegment errors, int at) {
        int block = column / tile.blockLength;
        int position = column % tile.blockLength;
        if (evenly(block, position)) {
            roundEvenly(place * height, pivot);
        } else {
            roundOneByOne(place * height, block, position, pivot);
        }
        for (int r = 0; r < height; r += LANES) {
            FloatVector e = FloatVector.fromArray(FLOATS, error, r);
            e.intoMemorySegment(errors, 4L * ((long) at * height + r), ORDER);
            FloatVector minus = e.neg();
            for (int p = place + 1; p < count; p++) {
                int next = p * height + r;
                minus.fma(FloatVector.broadcast(FLOATS, feedback[p]), FloatVector.fromArray(FLOATS, now, next))
                        .intoArray(now, next);
            }
        }
    }

    /** Whether all rows' grids are evenly spaced at a position; their parameters are then at hand. */
    private boolean evenly(int block, int position) {
        int part = position / tile.grids[0][block].partLength();
        if (block == evenBlock && part == evenPart) {
            return even;
        }
        evenBlock = block;
        evenPart = part;
        even = true;
        for (int r = 0; even && r < tile.rows; r++) {
            Grid.Even grid = tile.grids[r][block].even(position);
            even = grid != null;
            if (even) {
                scale[r] = grid.scale();
                offset[r] = grid.offset();
                low[r] = grid.minCode() - grid.zero();
                high[r] = grid.maxCode() - grid.zero();
                zero[r] = grid.zero();
            }
        }
        return even;
    }

    private void roundEvenly(int from, float pivot) {
        for (int r = 0; r < height; r += LANES) {
            FloatVector w = FloatVector.fromArray(FLOATS, now, from + r);
            FloatVector step = FloatVector.fromArray(FLOATS, scale, r);
            FloatVector origin = FloatVector.fromArray(FLOATS, offset, r);
            FloatVector least = FloatVector.fromArray(FLOATS, low, r);
            FloatVector most = FloatVector.fromArray(FLOATS, high, r);
            FloatVector steps =
                    w.blend(0, w.compare(VectorOperators.NE, w)).sub(origin).div(step);
            steps = steps.blend(least, steps.compare(VectorOperators.LT, least));
            steps = steps.blend(most, steps.compare(VectorOperators.GT, most));
            // Adding 0 makes −0 the 0 that it is as an integer.
            steps = steps.add(Grid.Even.ROUND).sub(Grid.Even.ROUND).add(0);
            ((IntVector) steps.add(FloatVector.fromArray(FLOATS, zero, r)).convertShape(VectorOperators.F2I, INTS, 0))
                    .intoArray(codes, from + r);
            w.sub(steps.mul(step).add(origin)).div(pivot).intoArray(error, r);
        }
    }

    private void roundOneByOne(int from, int block, int position, float pivot) {
        for (int r = 0; r < tile.rows; r++) {
            Grid grid = tile.grids[r][block];
            float w = now[from + r];
            int code = grid.nearest(position, w);
            codes[from + r] = code;
            error[r] = (w - grid.value(position, code)) / pivot;
        }
    }

    /** Codes of the first {@code count} places go to their columns. */
    void store(int[] order, int first, int count) {
        for (int r = 0; r < tile.rows; r++) {
            int[] rowCodes = tile.codes[r];
            for (int p = 0; p < count; p++) {
                rowCodes[order[first + p]] = codes[p * height + r];
            }
        }
    }
}
