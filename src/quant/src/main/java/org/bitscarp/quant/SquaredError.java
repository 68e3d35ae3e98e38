package org.bitscarp.quant;

/** Squared rounding errors, in double precision. */
public final class SquaredError {
    private SquaredError() {}

    /** Adds ‖w − rounded‖² and ‖w‖²; four sums each, always combined in the same order. */
    public static void add(float[] w, float[] rounded, SolveStats stats) {
        double e0 = 0;
        double e1 = 0;
        double e2 = 0;
        double e3 = 0;
        double w0 = 0;
        double w1 = 0;
        double w2 = 0;
        double w3 = 0;
        int i = 0;
        for (; i + 4 <= w.length; i += 4) {
            double a = w[i];
            double b = w[i + 1];
            double c = w[i + 2];
            double d = w[i + 3];
            w0 += a * a;
            w1 += b * b;
            w2 += c * c;
            w3 += d * d;
            a -= rounded[i];
            b -= rounded[i + 1];
            c -= rounded[i + 2];
            d -= rounded[i + 3];
            e0 += a * a;
            e1 += b * b;
            e2 += c * c;
            e3 += d * d;
        }
        for (; i < w.length; i++) {
            double a = w[i];
            w0 += a * a;
            a -= rounded[i];
            e0 += a * a;
        }
        stats.squaredError += e0 + e1 + (e2 + e3);
        stats.squaredWeights += w0 + w1 + (w2 + w3);
    }

    /**
     * Σ importance × (w − nearest point)² of a block: what a search minimises.
     *
     * @param importance as in {@link BlockFormat#search}; null for all 1
     */
    static double of(Grid grid, float[] w, int from, int length, float[] importance, int importanceFrom) {
        int[] codes = new int[length];
        float[] rounded = new float[length];
        grid.nearest(w, from, length, codes);
        grid.values(codes, length, rounded, 0);
        double sum = 0;
        for (int i = 0; i < length; i++) {
            double difference = (double) w[from + i] - rounded[i];
            sum += (importance == null ? 1 : importance[importanceFrom + i]) * difference * difference;
        }
        return sum;
    }
}
