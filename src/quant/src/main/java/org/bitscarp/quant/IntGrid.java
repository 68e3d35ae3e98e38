package org.bitscarp.quant;

import java.util.Arrays;

/**
 * An evenly spaced grid of integers: value = scale × (code − zero), code in [0, maxCode].
 *
 * @param scale exactly representable in FP16; negative scales mirror the grid, 0 makes every value 0
 * @param fallbacks see {@link Grid#fallbacks()}
 */
record IntGrid(float scale, int zero, int maxCode, int fallbacks) implements Grid {
    /** clamp(round(w / scale) + zero, 0, maxCode), round half to even. */
    @Override
    public int nearest(int position, float weight) {
        if (scale == 0) {
            return zero;
        }
        // NaN becomes 0 in the cast.
        long steps = (long) Math.rint(weight / scale);
        return (int) Math.clamp(Math.clamp(steps, -1000, 1000) + zero, 0L, maxCode);
    }

    /** The same for a block, in a loop that compilers vectorize: clamped first, which rounding to integers permits. */
    @Override
    public void nearest(float[] w, int from, int length, int[] codes) {
        if (scale == 0) {
            Arrays.fill(codes, 0, length, zero);
            return;
        }
        float low = -zero;
        float high = maxCode - zero;
        for (int i = 0; i < length; i++) {
            float steps = Math.max(low, Math.min(high, w[from + i] / scale));
            codes[i] = (int) (steps + Even.ROUND - Even.ROUND) + zero;
        }
    }

    @Override
    public Even even(int position) {
        return scale == 0 ? null : new Even(scale, -0f, zero, 0, maxCode);
    }

    @Override
    public float level(int code) {
        return code - zero;
    }

    @Override
    public float value(int position, int code) {
        return scale * (code - zero);
    }

    @Override
    public void values(int[] codes, int length, float[] w, int from) {
        for (int i = 0; i < length; i++) {
            w[from + i] = scale * (codes[i] - zero);
        }
    }
}
