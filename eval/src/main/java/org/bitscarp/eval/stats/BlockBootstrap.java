package org.bitscarp.eval.stats;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Moving-block bootstrap (Künsch 1989; Liu and Singh 1992) of the means of several series over the same tokens. All series
 * are resampled with the same blocks, so what they have in common stays in common and any function of their means has an
 * interval.
 *
 * <p>Sums of blocks come from prefix sums, so a resample costs as many additions as it has blocks. Deviations are enlarged
 * by √(k/(k−1)) and by the ratio of Student's quantile with k−1 degrees of freedom to the normal one, k being the number of
 * blocks: a bootstrap of few blocks is too narrow by these factors. Another factor makes up for the correlation across the
 * ends of blocks, as estimated with the block length; the largest of all series serves them all.
 */
public final class BlockBootstrap {
    public static final int RESAMPLES = 2000;
    /**
     * More blocks than this make an interval no better (its width already has a relative error of √(1/2000)), so blocks
     * are lengthened until there are no more of them; a longer block only sees more of the correlation.
     */
    static final int MOST_BLOCKS = 1000;
    /** Shares of missed variance above this are not estimated well enough to be made up for. */
    private static final double MOST_BIAS = 0.3;

    private final double[] means;
    private final double[][] deviations;
    private final int blockLength;
    private final int automaticLength;
    private final int length;

    private BlockBootstrap(double[] means, double[][] deviations, int blockLength, int automaticLength, int length) {
        this.means = means;
        this.deviations = deviations;
        this.blockLength = blockLength;
        this.automaticLength = automaticLength;
        this.length = length;
    }

    /** With {@value #RESAMPLES} resamples. */
    public static BlockBootstrap of(List<double[]> series, long seed) {
        return of(series, RESAMPLES, seed);
    }

    /**
     * @param series each of the same length, in the order of the text; values that are not finite are left out
     * @param resamples number of resampled means
     * @param seed of the blocks' places
     */
    public static BlockBootstrap of(List<double[]> series, int resamples, long seed) {
        int n = series.getFirst().length;
        int automatic = 1;
        double bias = 0;
        for (double[] values : series) {
            BlockLength own = BlockLength.automatic(
                    Arrays.stream(values).filter(Double::isFinite).toArray());
            automatic = Math.max(automatic, (int) Math.ceil(own.tokens()));
            bias = Math.max(bias, own.bias());
        }
        int block = Math.max(1, Math.min(Math.max(automatic, (n + MOST_BLOCKS - 1) / MOST_BLOCKS), n));
        int blocks = Math.max(1, (n + block - 1) / block);
        int[] starts = starts(n, block, blocks, resamples, seed);
        double[] means = new double[series.size()];
        double[][] deviations = new double[series.size()][];
        for (int s = 0; s < series.size(); s++) {
            Prefix prefix = new Prefix(series.get(s));
            means[s] = prefix.mean(0, n);
            deviations[s] = deviations(prefix, starts, block, blocks, resamples);
            double width =
                    spread(blocks) * Math.sqrt((double) blocks * block / n / (1 - Math.min(bias / block, MOST_BIAS)));
            for (int r = 0; r < resamples; r++) {
                deviations[s][r] *= width;
            }
        }
        return new BlockBootstrap(means, deviations, block, automatic, n);
    }

    private static int[] starts(int n, int block, int blocks, int resamples, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] starts = new int[blocks * resamples];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = n == 0 ? 0 : random.nextInt(n - block + 1);
        }
        return starts;
    }

    private static double[] deviations(Prefix prefix, int[] starts, int block, int blocks, int resamples) {
        double[] deviations = new double[resamples];
        double centre = 0;
        for (int r = 0; r < resamples; r++) {
            double sum = 0;
            long count = 0;
            for (int b = r * blocks; b < (r + 1) * blocks; b++) {
                sum += prefix.sum(starts[b], starts[b] + block);
                count += prefix.count(starts[b], starts[b] + block);
            }
            deviations[r] = sum / count;
            centre += deviations[r];
        }
        centre /= resamples;
        for (int r = 0; r < resamples; r++) {
            deviations[r] = prefix.constant() ? 0 : deviations[r] - centre;
        }
        return deviations;
    }

    /** What deviations are enlarged by; NaN with a single block, which tells nothing. */
    private static double spread(int blocks) {
        return blocks < 2
                ? Double.NaN
                : Math.sqrt(blocks / (blocks - 1.0))
                        * PairedDifference.studentQuantile(blocks - 1)
                        / PairedDifference.NORMAL_95;
    }

    /** Mean of a series over its finite values. */
    public double mean(int series) {
        return means[series];
    }

    /** Deviations of the resampled means from their centre, enlarged as said above; not a copy. */
    public double[] deviations(int series) {
        return deviations[series];
    }

    public int resamples() {
        return deviations[0].length;
    }

    /** Tokens in a block. */
    public int blockLength() {
        return blockLength;
    }

    /** The longest that the automatic rule gave for one of the series. */
    public int automaticLength() {
        return automaticLength;
    }

    public int blocks() {
        return (length + blockLength - 1) / blockLength;
    }

    /** Interval of a mean with that coverage: {low, high}. */
    public double[] interval(int series, double coverage) {
        Quantiles q = Quantiles.of(deviations[series]);
        return new double[] {means[series] + q.at((1 - coverage) / 2), means[series] + q.at((1 + coverage) / 2)};
    }

    /** Standard error of the difference of two means. */
    public double standardError(int a, int b) {
        double squares = 0;
        for (int r = 0; r < resamples(); r++) {
            double d = deviations[a][r] - deviations[b][r];
            squares += d * d;
        }
        return Math.sqrt(squares / resamples());
    }

    /** Sums of any run of tokens from sums of all runs from the first. */
    private static final class Prefix {
        private final double[] sums;
        /** Null where every value is finite. */
        private final int[] counts;

        private final boolean constant;

        Prefix(double[] values) {
            sums = new double[values.length + 1];
            boolean finite = true;
            boolean equal = true;
            for (int i = 0; i < values.length; i++) {
                boolean counts = Double.isFinite(values[i]);
                finite &= counts;
                equal &= values[i] == values[0];
                sums[i + 1] = sums[i] + (counts ? values[i] : 0);
            }
            constant = equal;
            counts = finite ? null : new int[values.length + 1];
            for (int i = 0; counts != null && i < values.length; i++) {
                counts[i + 1] = counts[i] + (Double.isFinite(values[i]) ? 1 : 0);
            }
        }

        double sum(int from, int to) {
            return sums[to] - sums[from];
        }

        int count(int from, int to) {
            return counts == null ? to - from : counts[to] - counts[from];
        }

        double mean(int from, int to) {
            return sum(from, to) / count(from, to);
        }

        /** Whether all values are equal, so that no resample differs: rounding of the sums must not say otherwise. */
        boolean constant() {
            return constant;
        }
    }
}
