package org.bitscarp.quant;

import java.util.Arrays;

/**
 * The ternary scale that minimises Σ importance × (w − scale × code)².
 *
 * <p>For a set K of weights that are kept (code ±1), the best scale is s = Σ_K h|w| / Σ_K h, and it saves (Σ_K h|w|)² /
 * Σ_K h of the error of an all-zero block. For a given scale the best set is {|w| > s/2}: a prefix of the weights in
 * descending order of magnitude. So the optimum is among the prefixes, and one scan finds it.
 */
final class TernarySearch {
    /** Bins for a whole matrix: sign aside, the upper 20 bits of a float, so 2^−11 of relative width. */
    private static final int DROPPED_BITS = 12;

    private TernarySearch() {}

    /**
     * Exact up to rounding the scale to FP16; never worse than the published grid. Arguments as {@link
     * BlockFormat#search}.
     */
    static TernaryGrid block(
            float[] w, int from, int length, float[] importance, int importanceFrom, TernaryGrid published) {
        if (published.fallbacks() > 0) {
            return published;
        }
        // Magnitudes of floats sort like their bits; the index rides along in the lower half.
        long[] order = new long[length];
        for (int i = 0; i < length; i++) {
            order[i] = (long) Float.floatToRawIntBits(Math.abs(w[from + i])) << 32 | i;
        }
        Arrays.sort(order);
        Scan scan = new Scan();
        for (int k = length - 1; k >= 0; k--) {
            int i = (int) order[k];
            double h = importance == null ? 1 : importance[importanceFrom + i];
            scan.keep(h, h * Math.abs(w[from + i]));
        }
        TernaryGrid found = new TernaryGrid(HalfScale.round((float) scan.scale), 0);
        double foundError = SquaredError.of(found, w, from, length, importance, importanceFrom);
        double publishedError = SquaredError.of(published, w, from, length, importance, importanceFrom);
        return found.scale() > 0 && foundError < publishedError ? found : published;
    }

    /**
     * The same over a matrix of any size: weights are gathered in bins of nearly equal magnitude instead of sorted, and
     * thresholds lie between bins. The error is flat in the threshold near its optimum, so nothing is lost.
     */
    static TernaryGrid matrix(DenseMatrix weights, float[] importance, TernaryGrid published) {
        if (published.fallbacks() > 0) {
            return published;
        }
        double[] h = new double[Integer.MAX_VALUE >>> DROPPED_BITS];
        double[] hw = new double[h.length];
        float[] w = new float[weights.columns()];
        for (int row = 0; row < weights.rows(); row++) {
            weights.row(row, w);
            Nonfinite.clear(w, w);
            for (int i = 0; i < w.length; i++) {
                float magnitude = Math.abs(w[i]);
                int bin = Float.floatToRawIntBits(magnitude) >>> DROPPED_BITS;
                double weight = importance == null ? 1 : importance[i];
                h[bin] += weight;
                hw[bin] += weight * magnitude;
            }
        }
        Scan scan = new Scan();
        for (int bin = h.length - 1; bin >= 0; bin--) {
            scan.keep(h[bin], hw[bin]);
        }
        TernaryGrid found = new TernaryGrid(HalfScale.round((float) scan.scale), 0);
        boolean better =
                found.scale() > 0 && error(found, weights, w, importance) < error(published, weights, w, importance);
        return better ? found : published;
    }

    private static double error(TernaryGrid grid, DenseMatrix weights, float[] w, float[] importance) {
        double sum = 0;
        for (int row = 0; row < weights.rows(); row++) {
            weights.row(row, w);
            Nonfinite.clear(w, w);
            sum += SquaredError.of(grid, w, 0, w.length, importance, 0);
        }
        return sum;
    }

    /** Takes weights from the largest magnitude down and remembers the scale that saved most. */
    private static final class Scan {
        private double sum;
        private double sumW;
        private double most;
        private double scale;

        void keep(double h, double hw) {
            sum += h;
            sumW += hw;
            if (sum > 0 && sumW * sumW / sum > most) {
                most = sumW * sumW / sum;
                scale = sumW / sum;
            }
        }
    }
}
