package org.bitscarp.quant;

import java.util.Arrays;

/**
 * −scale, 0 and scale; the codes are −1, 0 and 1.
 *
 * @param scale exactly representable in FP16, not negative
 * @param fallbacks see {@link Grid#fallbacks()}
 */
record TernaryGrid(float scale, int fallbacks) implements Grid {
    /** The grid of a scale that is not rounded yet. */
    static TernaryGrid of(double wanted) {
        float stored = HalfScale.round((float) wanted);
        boolean fallback = HalfScale.overflows((float) wanted) || (stored == 0 && wanted > 0);
        return new TernaryGrid(stored, fallback ? 1 : 0);
    }

    /** clamp(round(w / scale), −1, 1), round half to even. */
    @Override
    public int nearest(int position, float weight) {
        return scale == 0 ? 0 : (int) Math.clamp(Math.rint(weight / scale), -1.0, 1.0);
    }

    /** The same: what rounds to ±1, ties going to the even 0, lies beyond half a scale. */
    @Override
    public void nearest(float[] w, int from, int length, int[] codes) {
        if (scale == 0) {
            Arrays.fill(codes, 0, length, 0);
            return;
        }
        for (int i = 0; i < length; i++) {
            float steps = w[from + i] / scale;
            codes[i] = (steps > 0.5f ? 1 : 0) - (steps < -0.5f ? 1 : 0);
        }
    }

    @Override
    public void values(int[] codes, int length, float[] w, int from) {
        for (int i = 0; i < length; i++) {
            w[from + i] = scale * codes[i];
        }
    }

    @Override
    public float level(int code) {
        return code;
    }

    @Override
    public float value(int position, int code) {
        return scale * code;
    }
}
