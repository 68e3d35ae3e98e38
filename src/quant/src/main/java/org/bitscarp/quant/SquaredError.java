package org.bitscarp.quant;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Squared rounding errors, in double precision. */
public final class SquaredError {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_128;
    private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_256;

    private SquaredError() {}

    /** Adds ‖w − rounded‖² and ‖w‖²; four sums each, always combined in the same order. */
    public static void add(float[] w, float[] rounded, SolveStats stats) {
        double[] errors = new double[4];
        double[] weights = new double[4];
        int done = Lanes.FAST ? addVectors(w, rounded, errors, weights) : 0;
        for (int i = done; i < w.length; i++) {
            // What is left over of whole fours goes to the first sums.
            int lane = i < w.length / 4 * 4 ? i % 4 : 0;
            double difference = (double) w[i] - rounded[i];
            errors[lane] += difference * difference;
            weights[lane] += (double) w[i] * w[i];
        }
        stats.squaredError += errors[0] + errors[1] + (errors[2] + errors[3]);
        stats.squaredWeights += weights[0] + weights[1] + (weights[2] + weights[3]);
    }

    /** The same over whole fours, with one sum in each lane; returns how many weights that were. */
    private static int addVectors(float[] w, float[] rounded, double[] errors, double[] weights) {
        DoubleVector e = DoubleVector.zero(DOUBLES);
        DoubleVector s = e;
        int i = 0;
        for (; i + 4 <= w.length; i += 4) {
            DoubleVector a =
                    (DoubleVector) FloatVector.fromArray(FLOATS, w, i).convertShape(VectorOperators.F2D, DOUBLES, 0);
            DoubleVector b = (DoubleVector)
                    FloatVector.fromArray(FLOATS, rounded, i).convertShape(VectorOperators.F2D, DOUBLES, 0);
            s = s.add(a.mul(a));
            a = a.sub(b);
            e = e.add(a.mul(a));
        }
        e.intoArray(errors, 0);
        s.intoArray(weights, 0);
        return i;
    }

    /**
     * Σ importance × (w − nearest point)² of a block: what a search minimises.
     *
     * @param importance as in {@link BlockFormat#search}; null for all 1
     */
    static double of(Grid grid, float[] w, int from, int length, float[] importance, int importanceFrom) {
        int[] codes = new int[length];
        float[] rounded = new float[length];
        grid.nearest(w, from, length, codes);
        grid.values(codes, length, rounded, 0);
        double sum = 0;
        for (int i = 0; i < length; i++) {
            double difference = (double) w[from + i] - rounded[i];
            sum += (importance == null ? 1 : importance[importanceFrom + i]) * difference * difference;
        }
        return sum;
    }
}
