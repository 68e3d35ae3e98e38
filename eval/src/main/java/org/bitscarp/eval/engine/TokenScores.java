package org.bitscarp.eval.engine;

import java.util.Arrays;

/**
 * What a level made of each token. Row r of the window plan predicts one token; rows that no protocol scores hold NaN.
 * Numbers are rounded to fp32, what a score file holds, so that figures from files are those of the run.
 *
 * @param nll negative log-likelihood of the target in nats
 * @param kld KL(reference ‖ level) in nats; 0 for the reference itself
 * @param confidence probability that the level gives to its most likely token
 * @param sameTop1 whether level and reference find the same token most likely
 * @param sharedTop5 how many of the reference's five most likely tokens are among the level's five
 */
public record TokenScores(double[] nll, double[] kld, float[] confidence, boolean[] sameTop1, byte[] sharedTop5) {
    /** Of rows that nobody has scored yet. */
    public static TokenScores unscored(int rows) {
        TokenScores scores =
                new TokenScores(new double[rows], new double[rows], new float[rows], new boolean[rows], new byte[rows]);
        Arrays.fill(scores.nll, Double.NaN);
        Arrays.fill(scores.kld, Double.NaN);
        Arrays.fill(scores.confidence, Float.NaN);
        return scores;
    }

    /** The same for some of the rows, in the order given. */
    public TokenScores select(int[] rows) {
        TokenScores selected = unscored(rows.length);
        for (int i = 0; i < rows.length; i++) {
            selected.nll[i] = nll[rows[i]];
            selected.kld[i] = kld[rows[i]];
            selected.confidence[i] = confidence[rows[i]];
            selected.sameTop1[i] = sameTop1[rows[i]];
            selected.sharedTop5[i] = sharedTop5[rows[i]];
        }
        return selected;
    }
}
