package org.bitscarp.quant;

/**
 * Looks for the scale of an NF4 block that minimises Σ importance × (w − scale × level)², in the manner of {@link
 * IntSearch}: a scan for starting points, then nearest codes and least-squares scale in turn.
 */
final class NormalFloat4Search {
    /** The scan runs over these multiples of the largest magnitude and their negatives, in equal ratios. */
    private static final double LARGEST_SHARE = 1.6;

    private static final double SMALLEST_SHARE = 0.3;
    private static final int STEPS = 24;
    /** Starting points that are refined, and how often at most. */
    private static final int KEPT = 4;

    private static final int ROUNDS = 8;

    /**
     * The nearest level for each of BINS + 1 points of [−1, 1]: between two points it may be the second nearest, by no
     * more than 1/BINS, which does not change which scale is good. The grid that is found rounds exactly.
     */
    private static final int BINS = 2048;

    private static final float[] NEAREST = nearest();

    private final float[] w;
    private final float[] h;
    /** Σ h·level² and Σ h·w·level of the last error computed. */
    private double squares;

    private double products;

    /** Arguments as in {@link BlockFormat#search}. */
    NormalFloat4Search(float[] w, int from, int length, float[] importance, int importanceFrom) {
        this.w = new float[length];
        this.h = new float[length];
        System.arraycopy(w, from, this.w, 0, length);
        for (int i = 0; i < length; i++) {
            h[i] = importance == null ? 1 : importance[importanceFrom + i];
        }
    }

    /** The best FP16 scale found; {@code published} is the largest magnitude, stored as FP16, not 0. */
    float best(float published) {
        double[] errors = new double[KEPT];
        float[] scales = new float[KEPT];
        int kept = 0;
        double step = Math.pow(SMALLEST_SHARE / LARGEST_SHARE, 1.0 / STEPS);
        double share = LARGEST_SHARE;
        for (int i = 0; i < 2 * STEPS + 2; i++) {
            float scale = HalfScale.round((float) (i % 2 == 0 ? share * published : -share * published));
            share *= i % 2 == 0 ? 1 : step;
            if (scale == 0) {
                continue;
            }
            double error = error(scale);
            if (kept == KEPT && error >= errors[KEPT - 1]) {
                continue;
            }
            int at = kept < KEPT ? kept++ : KEPT - 1;
            for (; at > 0 && errors[at - 1] > error; at--) {
                errors[at] = errors[at - 1];
                scales[at] = scales[at - 1];
            }
            errors[at] = error;
            scales[at] = scale;
        }
        double least = Double.POSITIVE_INFINITY;
        float best = published;
        for (int i = 0; i < kept; i++) {
            float scale = scales[i];
            for (int round = 0; round < ROUNDS && scale != 0; round++) {
                double error = error(scale);
                if (error < least) {
                    least = error;
                    best = scale;
                }
                float refined = squares > 0 ? HalfScale.round((float) (products / squares)) : 0;
                scale = refined == scale ? 0 : refined;
            }
        }
        return best;
    }

    /** The error with (nearly) nearest levels; two sums each, so that additions need not wait for each other. */
    private double error(float scale) {
        float inverse = 1 / scale;
        int even = w.length & ~1;
        double e0 = 0;
        double e1 = 0;
        double s0 = 0;
        double s1 = 0;
        double p0 = 0;
        double p1 = 0;
        for (int i = 0; i < even; i += 2) {
            float a = level(w[i] * inverse);
            float b = level(w[i + 1] * inverse);
            float da = w[i] - scale * a;
            float db = w[i + 1] - scale * b;
            e0 += (double) h[i] * da * da;
            e1 += (double) h[i + 1] * db * db;
            s0 += (double) (h[i] * a) * a;
            s1 += (double) (h[i + 1] * b) * b;
            p0 += (double) (h[i] * a) * w[i];
            p1 += (double) (h[i + 1] * b) * w[i + 1];
        }
        if (even < w.length) {
            float a = level(w[even] * inverse);
            float da = w[even] - scale * a;
            e0 += (double) h[even] * da * da;
            s0 += (double) (h[even] * a) * a;
            p0 += (double) (h[even] * a) * w[even];
        }
        squares = s0 + s1;
        products = p0 + p1;
        return e0 + e1;
    }

    private static float level(float level) {
        return NEAREST[(int) ((Math.max(-1, Math.min(1, level)) + 1) * (BINS / 2) + 0.5f)];
    }

    private static float[] nearest() {
        float[] nearest = new float[BINS + 1];
        for (int bin = 0; bin <= BINS; bin++) {
            nearest[bin] = NormalFloat4.nearestLevel(2f * bin / BINS - 1);
        }
        return nearest;
    }
}
