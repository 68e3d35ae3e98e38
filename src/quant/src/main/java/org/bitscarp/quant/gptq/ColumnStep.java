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
    /** Rows of a tile at most; a column has room for so many. */
    static final int ROWS = RegisterTile.WIDTH;

    private final RowTile tile;
    private final MemorySegment work;
    private final MemorySegment errors;
    /** Rows with those that fill up the last vector. */
    private final int height;

    /** By place in the step, then row. */
    private final int[] codes = new int[WIDTH * ROWS];

    // By row.
    private final float[] error = new float[ROWS];
    private final float[] scale = new float[ROWS];
    private final float[] offset = new float[ROWS];
    private final float[] low = new float[ROWS];
    private final float[] high = new float[ROWS];
    private final float[] zero = new float[ROWS];

    /** Which parameters the grids' arrays hold: block and part of the block; −1 for none. */
    private int evenBlock = -1;

    private int evenPart;
    private boolean even;

    /**
     * @param work weights, column by column in the order of the loop
     * @param errors takes the negated errors over the pivots, the same way
     */
    ColumnStep(RowTile tile, MemorySegment work, MemorySegment errors) {
        this.tile = tile;
        this.work = work;
        this.errors = errors;
        height = Math.ceilDiv(tile.rows, LANES) * LANES;
        Arrays.fill(scale, 1);
    }

    /**
     * Rounds a column and takes its error to those behind it in the step.
     *
     * @param at its place in the loop
     * @param column its number in the matrix
     * @param pivot of the factor in this column
     * @param feedback what the factor has right of it, for the columns of the step
     * @param first where the step begins
     * @param last where it ends
     */
    void round(int at, int column, float pivot, float[] feedback, int first, int last) {
        int block = column / tile.blockLength;
        int position = column % tile.blockLength;
        if (evenly(block, position)) {
            roundEvenly(at, (at - first) * ROWS, pivot);
        } else {
            roundOneByOne(at, (at - first) * ROWS, block, position, pivot);
        }
        for (int r = 0; r < height; r += LANES) {
            FloatVector minus = FloatVector.fromArray(FLOATS, error, r).neg();
            minus.intoMemorySegment(errors, 4 * ((long) at * ROWS + r), ORDER);
            for (int next = at + 1; next < last; next++) {
                long to = 4 * ((long) next * ROWS + r);
                minus.fma(
                                FloatVector.broadcast(FLOATS, feedback[next - first]),
                                FloatVector.fromMemorySegment(FLOATS, work, to, ORDER))
                        .intoMemorySegment(work, to, ORDER);
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

    private void roundEvenly(int at, int codesAt, float pivot) {
        for (int r = 0; r < height; r += LANES) {
            FloatVector w = FloatVector.fromMemorySegment(FLOATS, work, 4 * ((long) at * ROWS + r), ORDER);
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
                    .intoArray(codes, codesAt + r);
            w.sub(steps.mul(step).add(origin)).div(pivot).intoArray(error, r);
        }
    }

    private void roundOneByOne(int at, int codesAt, int block, int position, float pivot) {
        for (int r = 0; r < tile.rows; r++) {
            Grid grid = tile.grids[r][block];
            float w = work.getAtIndex(JAVA_FLOAT, (long) at * ROWS + r);
            int code = grid.nearest(position, w);
            codes[codesAt + r] = code;
            error[r] = (w - grid.value(position, code)) / pivot;
        }
    }

    /** Codes of a step go to their columns. */
    void store(int[] order, int first, int last) {
        for (int r = 0; r < tile.rows; r++) {
            int[] rowCodes = tile.codes[r];
            for (int at = first; at < last; at++) {
                rowCodes[order[at]] = codes[(at - first) * ROWS + r];
            }
        }
    }
}
