package org.bitscarp.eval.stats;

/**
 * Difference of mean negative log-likelihood between two levels on the same tokens, with an interval.
 *
 * <p>Tokens of one window share their context and are not independent, windows are (nearly): the standard error is that of
 * window sums (cluster-robust; Cameron and Miller 2015, section II), not of tokens. Pairing removes what the text itself
 * contributes, which makes the interval about ten times narrower than that of either perplexity.
 *
 * @param mean difference in nats per token, level minus reference
 * @param stderr its standard error by window
 * @param low lower end of the 95 % interval of {@code mean}
 * @param high upper end
 */
public record PairedDifference(double mean, double stderr, double low, double high) {
    /** 97.5 % quantile of the normal distribution. */
    static final double NORMAL_95 = 1.959963984540054;

    /**
     * @param level scores of the level by row
     * @param reference scores of the reference by row
     * @param rows which count
     * @param windows the window of each of {@code rows}, numbered from 0 in ascending order
     */
    public static PairedDifference of(double[] level, double[] reference, int[] rows, int[] windows) {
        int windowCount = windows.length == 0 ? 0 : windows[windows.length - 1] + 1;
        double[] sums = new double[windowCount];
        long[] counts = new long[windowCount];
        double total = 0;
        long count = 0;
        for (int i = 0; i < rows.length; i++) {
            double d = level[rows[i]] - reference[rows[i]];
            if (Double.isFinite(d)) {
                sums[windows[i]] += d;
                counts[windows[i]]++;
                total += d;
                count++;
            }
        }
        double mean = total / count;
        double squares = 0;
        for (int w = 0; w < windowCount; w++) {
            double deviation = sums[w] - counts[w] * mean;
            squares += deviation * deviation;
        }
        if (windowCount < 2) {
            boolean identical = java.util.Arrays.stream(rows).allMatch(row -> level[row] == reference[row]);
            if (identical) {
                return new PairedDifference(0, 0, 0, 0);
            }
            return new PairedDifference(mean, Double.NaN, Double.NaN, Double.NaN);
        }
        double variance = squares * windowCount / (windowCount - 1.0) / ((double) count * count);
        double error = Math.sqrt(variance);
        double half = studentQuantile(windowCount - 1) * error;
        return new PairedDifference(mean, error, mean - half, mean + half);
    }

    /** Difference of perplexities, given the reference's. */
    public double perplexity(double reference) {
        return reference * Math.expm1(mean);
    }

    /** The interval of {@link #perplexity}. */
    public double[] perplexityInterval(double reference) {
        return new double[] {reference * Math.expm1(low), reference * Math.expm1(high)};
    }

    /** Whether the interval contains zero: on this text the two cannot be told apart. */
    public boolean tied() {
        return low <= 0 && high >= 0;
    }

    /** 97.5 % quantile of Student's t: tables up to 4 degrees of freedom, then Abramowitz and Stegun 26.7.5 (0.1 %). */
    static double studentQuantile(int degrees) {
        double z = NORMAL_95;
        double n = degrees;
        double z2 = z * z;
        double g1 = z * (z2 + 1) / 4;
        double g2 = z * ((5 * z2 + 16) * z2 + 3) / 96;
        double g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
        double g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
        return switch (degrees) {
            case 1 -> 12.706;
            case 2 -> 4.303;
            case 3 -> 3.182;
            case 4 -> 2.776;
            default -> z + (g1 + (g2 + (g3 + g4 / n) / n) / n) / n;
        };
    }
}
