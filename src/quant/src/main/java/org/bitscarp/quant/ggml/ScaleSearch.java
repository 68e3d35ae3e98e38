package org.bitscarp.quant.ggml;

import org.bitscarp.quant.HalfScale;

/**
 * Looks for the FP16 scale that minimises Σ importance × (w − scale × level)² over a fixed set of levels: a scan over
 * scales of both signs for starting points, then nearest levels and least-squares scale in turn.
 */
abstract class ScaleSearch {
    /** The scan runs over these multiples of largest weight / largest level, in equal ratios. */
    private static final double LARGEST_SHARE = 1.3;

    private static final double SMALLEST_SHARE = 0.3;
    private static final int STEPS = 20;
    /** Starting points that are refined, and how often at most. */
    private static final int KEPT = 3;

    private static final int ROUNDS = 6;

    private final float largestLevel;
    /** Σ importance × level² and Σ importance × w × level of the last error computed. */
    private double squares;

    private double products;

    /** @param largestLevel the largest magnitude among the levels */
    ScaleSearch(float largestLevel) {
        this.largestLevel = largestLevel;
    }

    /** The levels nearest to x × inverse; {@code x} has an even length. */
    abstract void levels(float[] x, float inverse, float[] levels);

    /** The best scale found, exactly representable in FP16; 0 when the weights are all 0. */
    final float best(float[] x, float[] importance) {
        float largest = 0;
        for (float weight : x) {
            largest = Math.max(largest, Math.abs(weight));
        }
        double[] errors = new double[KEPT];
        float[] scales = new float[KEPT];
        int kept = 0;
        double ratio = Math.pow(SMALLEST_SHARE / LARGEST_SHARE, 1.0 / STEPS);
        double share = LARGEST_SHARE / largestLevel;
        for (int i = 0; i < 2 * STEPS + 2; i++) {
            float scale = HalfScale.round((float) (i % 2 == 0 ? share * largest : -share * largest));
            share *= i % 2 == 0 ? 1 : ratio;
            if (scale == 0) {
                continue;
            }
            double error = error(scale, x, importance);
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
        float best = 0;
        for (int i = 0; i < kept; i++) {
            float scale = scales[i];
            for (int round = 0; round < ROUNDS && scale != 0; round++) {
                double error = error(scale, x, importance);
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

    /** The error with nearest levels; two sums each, so that additions need not wait for each other. */
    private double error(float scale, float[] x, float[] importance) {
        float[] levels = new float[x.length];
        levels(x, 1 / scale, levels);
        double e0 = 0;
        double e1 = 0;
        double s0 = 0;
        double s1 = 0;
        double m0 = 0;
        double m1 = 0;
        for (int i = 0; i < x.length; i += 2) {
            float a = x[i] - scale * levels[i];
            float b = x[i + 1] - scale * levels[i + 1];
            float wa = importance[i] * levels[i];
            float wb = importance[i + 1] * levels[i + 1];
            e0 += importance[i] * a * a;
            e1 += importance[i + 1] * b * b;
            s0 += wa * levels[i];
            s1 += wb * levels[i + 1];
            m0 += wa * x[i];
            m1 += wb * x[i + 1];
        }
        squares = s0 + s1;
        products = m0 + m1;
        return e0 + e1;
    }
}
