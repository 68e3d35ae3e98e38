package org.bitscarp.eval.stats;

/**
 * Two straight pieces that meet: y = slope·max(0, knot − x). Fitted to log-perplexity ratios against bits per weight, the
 * knot is where losses begin to rise steeply, the change point.
 *
 * @param knot where the pieces meet
 * @param slope rise per unit below it
 */
public record Hinge(double knot, double slope) {
    /**
     * Least squares over all knots from the second smallest x up: with a single point below it a knot could lie anywhere.
     * Between two neighbouring xs the best knot is that of the straight line through the points below (Hudson 1966).
     *
     * @param x strictly descending
     * @param y as long as x
     * @return null with fewer than three points, or when no rising hinge is better than none
     */
    public static Hinge fit(double[] x, double[] y) {
        int n = x.length;
        if (n < 3) {
            return null;
        }
        Hinge best = null;
        double least = Double.POSITIVE_INFINITY;
        for (int knot = 0; knot < n - 1; knot++) {
            double at = x[knot];
            double product = 0;
            double squares = 0;
            for (int i = knot + 1; i < n; i++) {
                product += y[i] * (at - x[i]);
                squares += (at - x[i]) * (at - x[i]);
            }
            Hinge candidate = new Hinge(at, product / squares);
            double error = candidate.squaredError(x, y);
            if (candidate.slope > 0 && error < least) {
                least = error;
                best = candidate;
            }
            Hinge line = line(x, y, knot + 1);
            if (line != null && line.knot < at && line.knot > x[knot + 1]) {
                error = line.squaredError(x, y);
                if (error < least) {
                    least = error;
                    best = line;
                }
            }
        }
        return best;
    }

    /** Σ of squared residuals. */
    double squaredError(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            double residual = y[i] - slope * Math.max(0, knot - x[i]);
            sum += residual * residual;
        }
        return sum;
    }

    /** The line through the points from index {@code from} on, as a hinge; null where it does not rise or is not unique. */
    private static Hinge line(double[] x, double[] y, int from) {
        int n = x.length - from;
        if (n < 2) {
            return null;
        }
        double meanX = 0;
        double meanY = 0;
        for (int i = from; i < x.length; i++) {
            meanX += x[i] / n;
            meanY += y[i] / n;
        }
        double xy = 0;
        double xx = 0;
        for (int i = from; i < x.length; i++) {
            xy += (x[i] - meanX) * (y[i] - meanY);
            xx += (x[i] - meanX) * (x[i] - meanX);
        }
        double slope = -xy / xx;
        return slope > 0 ? new Hinge(meanX + meanY / slope, slope) : null;
    }
}
