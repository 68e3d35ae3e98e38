package org.bitscarp.eval.stats;

/**
 * Block length of a moving-block bootstrap of the mean, from the autocorrelation of the series: the plug-in rule of Politis
 * and White 2004 with the constant as corrected by Patton, Politis and White 2009.
 *
 * @param tokens the length
 * @param bias b times the share of the mean's variance that blocks of b tokens miss: the correlation across their ends
 */
public record BlockLength(double tokens, double bias) {
    private static final BlockLength INDEPENDENT = new BlockLength(1, 0);
    /** Two-sided bound on an autocorrelation that counts as none, in units of √(log₁₀ n / n) (2004, section 3.2). */
    private static final double BOUND = 2;

    /**
     * The length b = (2 G² / D)^⅓ · n^⅓ with G = Σ λ(k/M)·|k|·R(k) and D = 4/3·(Σ λ(k/M)·R(k))², where R is the sample
     * autocovariance, λ the flat-top lag window and M twice the lag after which correlations vanish; between 1 and
     * min(3√n, n/3). Blocks of b tokens give the mean a variance that is too small by the share G / (b Σ λ(k/M)·R(k))
     * (Künsch 1989, theorem 3.3).
     *
     * @param series finite values in order
     */
    public static BlockLength automatic(double[] series) {
        int n = series.length;
        if (n < 4) {
            return INDEPENDENT;
        }
        double[] centred = centred(series);
        double variance = covariance(centred, 0);
        // Differences that vary by rounding alone have no correlation worth a name.
        if (!(variance > 0)) {
            return INDEPENDENT;
        }
        int quiet = Math.max(5, (int) Math.ceil(Math.sqrt(Math.log10(n))));
        int most = (int) Math.ceil(Math.sqrt(n)) + quiet;
        double bound = BOUND * Math.sqrt(Math.log10(n) / n);
        double[] covariances = new double[Math.min(n - 1, most) + 1];
        covariances[0] = variance;
        int computed = 0;
        int last = 0;
        while (computed + 1 < covariances.length && computed - last < quiet) {
            computed++;
            covariances[computed] = covariance(centred, computed);
            if (Math.abs(covariances[computed] / variance) >= bound) {
                last = computed;
            }
        }
        int window = Math.min(2 * Math.max(last, 1), covariances.length - 1);
        double weighted = 0;
        double total = variance;
        for (int k = 1; k <= window; k++) {
            double covariance = k <= computed ? covariances[k] : covariance(centred, k);
            double lambda = Math.min(1, 2 * (1 - (double) k / window));
            weighted += 2 * lambda * k * covariance;
            total += 2 * lambda * covariance;
        }
        double length = Math.cbrt(2 * weighted * weighted / (4.0 / 3 * total * total) * n);
        double longest = Math.ceil(Math.min(3 * Math.sqrt(n), n / 3.0));
        return Double.isFinite(length)
                ? new BlockLength(Math.clamp(length, 1, longest), weighted / total)
                : new BlockLength(longest, 0);
    }

    private static double[] centred(double[] series) {
        double mean = 0;
        for (double x : series) {
            mean += x;
        }
        mean /= series.length;
        double[] centred = new double[series.length];
        for (int i = 0; i < centred.length; i++) {
            centred[i] = series[i] - mean;
        }
        return centred;
    }

    /** R(k) = 1/n Σ (x_t − x̄)(x_{t+k} − x̄), in four sums so that additions need not wait for each other. */
    private static double covariance(double[] x, int lag) {
        int n = x.length - lag;
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = 0;
        for (; i + 4 <= n; i += 4) {
            a += x[i] * x[i + lag];
            b += x[i + 1] * x[i + 1 + lag];
            c += x[i + 2] * x[i + 2 + lag];
            d += x[i + 3] * x[i + 3 + lag];
        }
        for (; i < n; i++) {
            a += x[i] * x[i + lag];
        }
        return (a + b + (c + d)) / x.length;
    }
}
