package org.bitscarp.quant.ggml;

import org.bitscarp.quant.HalfScale;

/**
 * One FP16 scale for a block of evenly spaced values around zero, which the weight of the largest magnitude decides: value =
 * scale × (code − zero).
 *
 * @param length weights in a block
 * @param steps the scale is the largest magnitude divided by this; or the weight itself, where negative
 * @param half what happens to half a step
 */
record PeakRule(int length, int zero, int minCode, int maxCode, int steps, SingleGrid.Half half) {
    /** Whether the scale takes the weight's sign, so that the side with one code more serves it. */
    boolean mirrored() {
        return steps < 0;
    }

    /** The grid of a scale that FP16 represents. */
    AffineGrid grid(float scale) {
        float[] offset = {AffineGrid.NO_OFFSET};
        return new AffineGrid(length, new float[] {scale}, offset, zero, minCode, maxCode, null);
    }

    /** The reference's grid: codes go by the scale from before it was rounded. */
    GgmlGrid fit(float[] x) {
        float peak = ScaleFit.peak(x, 0, length);
        float scale = scale(mirrored() ? peak : Math.abs(peak));
        return new SingleGrid(grid(HalfScale.round(scale)), inverse(scale), 0, half);
    }

    float scale(float peak) {
        return peak / steps;
    }

    static float inverse(float scale) {
        return scale != 0 ? 1 / scale : 0;
    }
}
