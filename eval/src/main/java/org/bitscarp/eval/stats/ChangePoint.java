package org.bitscarp.eval.stats;

import java.util.Arrays;

/**
 * Where losses begin to rise, in bits per weight, with what the choice of text leaves open.
 *
 * @param bits the hinge's knot
 * @param low lower end of its 95 % interval
 * @param high upper end
 * @param slope nats per bit below the knot
 */
public record ChangePoint(double bits, double low, double high, double slope) {
    private static final double COVERAGE = 0.95;

    /**
     * A hinge through the mean losses, and through those of every resample.
     *
     * @param bits measured bits per weight, strictly descending
     * @param series the bootstrap's series of each; its means are differences of log-perplexity to the reference
     * @return null with fewer than three levels, or when nothing rises
     */
    public static ChangePoint of(double[] bits, int[] series, BlockBootstrap bootstrap) {
        double[] losses = new double[bits.length];
        Arrays.setAll(losses, i -> bootstrap.mean(series[i]));
        Hinge hinge = Hinge.fit(bits, losses);
        if (hinge == null) {
            return null;
        }
        double[] knots = new double[bootstrap.resamples()];
        double[] resampled = new double[bits.length];
        for (int r = 0; r < knots.length; r++) {
            for (int i = 0; i < bits.length; i++) {
                resampled[i] = losses[i] + bootstrap.deviations(series[i])[r];
            }
            Hinge other = Hinge.fit(bits, resampled);
            knots[r] = other == null ? Double.NaN : other.knot();
        }
        Quantiles quantiles = Quantiles.of(knots);
        return new ChangePoint(
                hinge.knot(), quantiles.at((1 - COVERAGE) / 2), quantiles.at((1 + COVERAGE) / 2), hinge.slope());
    }
}
