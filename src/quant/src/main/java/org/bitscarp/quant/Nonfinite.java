package org.bitscarp.quant;

/** NaN and infinities among weights. */
public final class Nonfinite {
    private Nonfinite() {}

    public static int count(float[] w) {
        int count = 0;
        for (float x : w) {
            // Only NaN and infinities leave a difference with themselves.
            count += x - x == 0 ? 0 : 1;
        }
        return count;
    }

    /** Sets {@code target[i]} to 0 wherever {@code w[i]} is NaN or infinite; the two may be the same array. */
    public static void clear(float[] w, float[] target) {
        for (int i = 0; i < w.length; i++) {
            if (!Float.isFinite(w[i])) {
                target[i] = 0;
            }
        }
    }
}
