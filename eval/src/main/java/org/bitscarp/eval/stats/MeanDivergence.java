package org.bitscarp.eval.stats;

/**
 * Mean divergence from the reference.
 *
 * @param mean of KL(reference ‖ level) in nats per token
 * @param stderr its standard error, tokens taken as independent
 * @param sameTop1 share of tokens with the same most likely continuation
 */
public record MeanDivergence(double mean, double stderr, double sameTop1) {
    /**
     * @param kld by row
     * @param sameTop1 by row
     * @param rows which count
     */
    public static MeanDivergence of(double[] kld, boolean[] sameTop1, int[] rows) {
        double sum = 0;
        double squares = 0;
        long same = 0;
        long count = 0;
        for (int row : rows) {
            if (Double.isFinite(kld[row])) {
                sum += kld[row];
                squares += kld[row] * kld[row];
                same += sameTop1[row] ? 1 : 0;
                count++;
            }
        }
        double mean = sum / count;
        double variance = Math.max(0, squares / count - mean * mean);
        return new MeanDivergence(mean, Math.sqrt(variance / (count - 1)), (double) same / count);
    }
}
