package org.bitscarp.quant.ggml;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Lanes;

/**
 * The sums that {@link UnevenFormat}'s search for a scale compares, for eight candidates at a time, one in each lane. Each is
 * taken in the order of the weights, so it is the scalar one bit for bit.
 */
final class UnevenLanes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    private static final int LANES = Lanes.COUNT;

    /** The nearest level for twice each number, rounded down, from the lowest on. */
    private final float[] levels;

    private final float lowest;
    private final float highest;

    UnevenLanes(float[] levels, float lowest, float highest) {
        this.levels = levels;
        this.lowest = lowest;
        this.highest = highest;
    }

    /**
     * Σ weight × level × x and Σ weight × level² over {@code length} weights, for as many candidates as there are; a multiple of
     * eight.
     *
     * @param inverse 1 / scale of each candidate
     */
    void sums(float[] x, float[] weights, int from, int length, float[] inverse, float[] products, float[] squares) {
        int[] index = new int[LANES];
        for (int c = 0; c < inverse.length; c += LANES) {
            FloatVector steps = FloatVector.fromArray(FLOATS, inverse, c);
            FloatVector xl = FloatVector.zero(FLOATS);
            FloatVector ll = xl;
            for (int i = from; i < from + length; i++) {
                FloatVector v = steps.mul(x[i]);
                v = v.blend(lowest, v.compare(VectorOperators.LT, lowest));
                v = v.blend(highest, v.compare(VectorOperators.GT, highest));
                // Rounded down: truncated, and one less where that was upwards.
                FloatVector twice = v.add(v);
                IntVector down = (IntVector) twice.convertShape(VectorOperators.F2I, INTS, 0);
                FloatVector back = (FloatVector) down.convertShape(VectorOperators.I2F, FLOATS, 0);
                down = down.sub(1, twice.compare(VectorOperators.LT, back).cast(INTS));
                down.sub((int) (2 * lowest)).intoArray(index, 0);
                FloatVector level = FloatVector.fromArray(FLOATS, levels, 0, index, 0);
                FloatVector weighted = level.mul(weights[i]);
                xl = xl.add(weighted.mul(x[i]));
                ll = ll.add(weighted.mul(level));
            }
            xl.intoArray(products, c);
            ll.intoArray(squares, c);
        }
    }
}
