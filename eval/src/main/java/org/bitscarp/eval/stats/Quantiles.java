package org.bitscarp.eval.stats;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Quantiles of a sample by linear interpolation between order statistics: definition 7 of Hyndman and Fan 1996, the default
 * of numpy and R. What is not finite is left out.
 */
public final class Quantiles {
    private final double[] sorted;

    private Quantiles(double[] sorted) {
        this.sorted = sorted;
    }

    /**
     * @param values by row
     * @param rows which count
     */
    public static Quantiles of(double[] values, int[] rows) {
        return new Quantiles(IntStream.of(rows)
                .mapToDouble(row -> values[row])
                .filter(Double::isFinite)
                .sorted()
                .toArray());
    }

    public static Quantiles of(double[] values) {
        return new Quantiles(
                Arrays.stream(values).filter(Double::isFinite).sorted().toArray());
    }

    /** Values in the sample. */
    public int count() {
        return sorted.length;
    }

    /** @param share 0 for the least, 1 for the greatest; NaN for an empty sample */
    public double at(double share) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        double position = share * (sorted.length - 1);
        int below = (int) Math.min(sorted.length - 1.0, Math.floor(position));
        int above = Math.min(sorted.length - 1, below + 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    /** {@link #at} of each share. */
    public double[] at(double... shares) {
        return Arrays.stream(shares).map(this::at).toArray();
    }
}
