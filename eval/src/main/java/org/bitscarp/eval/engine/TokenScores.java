package org.bitscarp.eval.engine;

/**
 * What a level made of each token. Row r of the window plan predicts one token; rows that no protocol scores hold NaN.
 *
 * @param nll negative log-likelihood of the target in nats
 * @param kld KL(reference ‖ level) in nats; 0 for the reference itself
 * @param sameTop1 whether level and reference find the same token most likely
 */
public record TokenScores(double[] nll, double[] kld, boolean[] sameTop1) {
    TokenScores(int rows) {
        this(new double[rows], new double[rows], new boolean[rows]);
        java.util.Arrays.fill(nll, Double.NaN);
        java.util.Arrays.fill(kld, Double.NaN);
    }
}
