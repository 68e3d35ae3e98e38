package org.bitscarp.eval.stats;

import java.util.List;

/**
 * All pairs of levels at once: which are told apart, with a family-wise error of 5 %. A pair differs when its mean
 * difference exceeds c standard errors, c being the 95 % quantile of the greatest |deviation| / standard error over all
 * pairs in joint resamples (single-step max-T, Westfall and Young 1993, section 2.5). The same c gives simultaneous
 * intervals.
 */
public final class Comparisons {
    private static final double COVERAGE = 0.95;

    private final BlockBootstrap bootstrap;
    private final int count;
    private final double[][] errors;
    private final double critical;

    /**
     * @param bootstrap of each level's scores or of their differences to one level
     * @param count series {@code 0 … count − 1} are compared; the bootstrap may have others
     */
    public Comparisons(BlockBootstrap bootstrap, int count) {
        this.bootstrap = bootstrap;
        this.count = count;
        errors = new double[count][count];
        double[] greatest = new double[bootstrap.resamples()];
        for (int i = 0; i < count; i++) {
            for (int j = i + 1; j < count; j++) {
                double error = bootstrap.standardError(i, j);
                errors[i][j] = error;
                errors[j][i] = error;
                if (error > 0) {
                    double[] a = bootstrap.deviations(i);
                    double[] b = bootstrap.deviations(j);
                    for (int r = 0; r < greatest.length; r++) {
                        greatest[r] = Math.max(greatest[r], Math.abs(a[r] - b[r]) / error);
                    }
                }
            }
        }
        critical = Quantiles.of(greatest).at(COVERAGE);
    }

    /** How many standard errors two levels have to be apart. */
    public double critical() {
        return critical;
    }

    /** Whether two levels are told apart; never where a mean or its error is not finite. */
    public boolean differ(int a, int b) {
        return Math.abs(bootstrap.mean(a) - bootstrap.mean(b)) > critical * errors[a][b];
    }

    /** Simultaneous 95 % interval of mean(a) − mean(b). */
    public double[] interval(int a, int b) {
        double difference = bootstrap.mean(a) - bootstrap.mean(b);
        double half = critical * errors[a][b];
        return new double[] {difference - half, difference + half};
    }

    /** Letters of each level; two share one exactly when they are not told apart. */
    public List<String> letters() {
        boolean[][] differ = new boolean[count][count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                // A level without a finite mean is told apart from every other: it has no place in a group.
                boolean sound = Double.isFinite(bootstrap.mean(i)) && Double.isFinite(bootstrap.mean(j));
                differ[i][j] = i != j && (!sound || differ(i, j));
            }
        }
        return CompactLetters.of(differ);
    }
}
