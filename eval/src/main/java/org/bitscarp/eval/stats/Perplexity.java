package org.bitscarp.eval.stats;

/**
 * Perplexity of some scored tokens.
 *
 * @param nllSum sum of negative log-likelihoods in nats, in double, in text order
 * @param count tokens in the sum
 * @param stderr standard error of the perplexity when tokens are taken as independent: PPL·√(var / (count − 1)), as
 *     llama.cpp prints it (tools/perplexity/perplexity.cpp)
 * @param nonfinite scores that were NaN or infinite; they are in no sum
 */
public record Perplexity(double nllSum, long count, double stderr, long nonfinite) {
    /** exp of the mean negative log-likelihood; NaN when no token has a finite score. */
    public double value() {
        return Math.exp(nllSum / count);
    }

    /**
     * @param nll scores by row
     * @param rows which of them count
     */
    public static Perplexity of(double[] nll, int[] rows) {
        double sum = 0;
        double squares = 0;
        long count = 0;
        for (int row : rows) {
            if (Double.isFinite(nll[row])) {
                sum += nll[row];
                squares += nll[row] * nll[row];
                count++;
            }
        }
        double mean = sum / count;
        double variance = Math.max(0, squares / count - mean * mean);
        double stderr = count > 1 ? Math.exp(mean) * Math.sqrt(variance / (count - 1)) : Double.NaN;
        return new Perplexity(sum, count, stderr, rows.length - count);
    }
}
