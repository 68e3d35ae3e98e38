package org.bitscarp.quant.ggml;

import org.bitscarp.quant.Grid;

/** A grid with one scale for every {@code subLength} consecutive weights of a block. */
abstract class GgmlGrid implements Grid {
    final int subLength;
    /** What a step is worth in each sub-block, as the stored parameters decode. */
    final float[] scale;
    /** See {@link Grid#fallbacks()}. */
    int fallbacks;

    GgmlGrid(int subLength, float[] scale) {
        this.subLength = subLength;
        this.scale = scale;
    }

    /** Whether every scale is 0, so that the weights of a sub-block are all stored as the same value. */
    final boolean flat() {
        for (float step : scale) {
            if (step != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public final int partLength() {
        return subLength;
    }

    @Override
    public final int fallbacks() {
        return fallbacks;
    }

    /** Σ importance × (weight − its nearest value)², over a whole block. */
    final double error(float[] x, float[] importance) {
        int[] codes = new int[x.length];
        float[] values = new float[x.length];
        nearest(x, 0, x.length, codes);
        values(codes, x.length, values, 0);
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            double difference = (double) x[i] - values[i];
            sum += importance[i] * difference * difference;
        }
        return sum;
    }

    /** The one of two grids with the smaller {@link #error}; the first when they tie. */
    static GgmlGrid better(GgmlGrid one, GgmlGrid other, float[] x, float[] importance) {
        return other.error(x, importance) < one.error(x, importance) ? other : one;
    }
}
