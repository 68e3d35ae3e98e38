package org.bitscarp.eval.task;

/**
 * Whether two models that answered the same questions differ (McNemar 1947), by the exact test: of the questions that only
 * one of them got right, each is as likely to be either's when they are equally good.
 *
 * @param gained questions that only the level got right
 * @param lost questions that only the reference got right
 * @param p two-sided probability of a split as uneven as this one; 1 when there is no such question
 */
public record McNemar(int gained, int lost, double p) {
    public static McNemar of(boolean[] level, boolean[] reference) {
        int gained = 0;
        int lost = 0;
        for (int i = 0; i < level.length; i++) {
            gained += level[i] && !reference[i] ? 1 : 0;
            lost += reference[i] && !level[i] ? 1 : 0;
        }
        return new McNemar(gained, lost, twoSided(Math.min(gained, lost), gained + lost));
    }

    /** min(1, 2·P(X ≤ k)) of X ~ Binomial(n, ½), terms in logarithms so that n may be large. */
    private static double twoSided(int k, int n) {
        double logTerm = -n * Math.log(2);
        double sum = 0;
        for (int i = 0; i <= k; i++) {
            sum += Math.exp(logTerm);
            logTerm += Math.log((double) (n - i) / (i + 1));
        }
        return Math.min(1, 2 * sum);
    }
}
