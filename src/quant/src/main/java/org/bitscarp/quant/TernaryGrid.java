package org.bitscarp.quant;

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

    @Override
    public float value(int position, int code) {
        return scale * code;
    }
}
