package org.bitscarp.quant.ggml;

import java.util.Arrays;
import java.util.List;

/** The k-quants: super-blocks of 256 weights whose sub-blocks' scales are integers themselves. */
abstract class KFormat extends GgmlFormat {
    /** Weights in a super-block. */
    static final int LENGTH = 256;

    KFormat(int id, String name, int bytes, List<Plane> planes) {
        super(id, name, LENGTH, bytes, planes);
    }

    /**
     * The best of three grids, refined: the reference's grids without and with an importance matrix, and one weighted
     * by the importance alone, which is what the error is measured with.
     */
    @Override
    final GgmlGrid search(float[] x, float[] importance) {
        KGrid start = fit(x);
        double least = start.error(x, importance);
        for (boolean plain : new boolean[] {false, true}) {
            KGrid other = weighted(x, importance, plain);
            double error = other.error(x, importance);
            if (error < least) {
                least = error;
                start = other;
            }
        }
        return new KRefine(x, importance, minScale(), maxScale()).best(start);
    }

    @Override
    abstract KGrid fit(float[] x);

    /** The least integer that a sub-block's scale may be. */
    abstract int minScale();

    /** The largest integer that a sub-block's scale or minimum may be. */
    abstract int maxScale();

    /**
     * The reference quantizer's grid under an importance matrix.
     *
     * @param plain weights the sub-blocks by the importance alone, without the reference's factor √(σ² + x²)
     */
    abstract KGrid weighted(float[] x, float[] importance, boolean plain);

    /** Importance of the weights of one sub-block under an importance matrix. */
    final float[] weights(float[] x, int from, int length, float[] importance, boolean plain, float variance) {
        return plain
                ? Arrays.copyOfRange(importance, from, from + length)
                : ScaleFit.spread(x, from, length, importance, variance);
    }
}
