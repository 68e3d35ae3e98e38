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
     * The better of two weightings: the reference's under an importance matrix, and the importance itself, which is what
     * the error is measured with.
     */
    @Override
    final GgmlGrid search(float[] x, float[] importance) {
        return GgmlGrid.better(weighted(x, importance, false), weighted(x, importance, true), x, importance);
    }

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
