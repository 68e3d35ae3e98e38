package org.bitscarp.eval.stats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockBootstrapTest {
    /**
     * Against the rule of the paper written in numpy (2.4.6) over the same series, x_t = ρ·x_{t−1} + e_t with e from a
     * multiplicative congruential generator. arch 8 gives 2.61, 11.4, 24.0, 130 and 7.5, because it takes a lag less.
     */
    @ParameterizedTest
    @CsvSource({
        "2000, 0.0, 1, 2.61421194280751",
        "2000, 0.3, 2, 10.647291749919445",
        "5000, 0.6, 3, 25.608535861784855",
        "20000, 0.9, 4, 129.07404798994693",
        "300, 0.5, 5, 7.141722112050068"
    })
    void blockLengthsAreThoseOfThePaper(int n, double rho, long seed, double expected) {
        double[] x = new double[n];
        long state = seed;
        double previous = 0;
        for (int i = 0; i < n; i++) {
            state = state * 48271 % 2147483647;
            previous = rho * previous + state / 2147483647.0 - 0.5;
            x[i] = previous;
        }
        assertEquals(expected, BlockLength.automatic(x).tokens(), 1e-9 * expected);
    }

    @Test
    void seriesWithoutVariationHaveBlocksOfOne() {
        assertEquals(1, BlockLength.automatic(new double[1000]).tokens());
        assertEquals(1, BlockLength.automatic(new double[] {1, 2}).tokens());
    }

    /**
     * A thousand sweeps of two levels whose differences to the reference are autocorrelated with a heavy tail, as those of
     * real models are, and share part of their noise. The 95 % interval has to cover the truth in 93 to 97 % of them.
     */
    @ParameterizedTest
    @CsvSource({"6000, 0.0, 0.0", "6000, 0.3, 0.0", "6000, 0.6, 0.0", "8000, 0.8, 0.0", "6000, 0.2, 0.5"})
    void theIntervalCoversTheTruth(int tokens, double rho, double movingAverage) {
        int sweeps = 1000;
        int resamples = 400;
        SplittableRandom random = new SplittableRandom(20_261_125);
        double[] truth = {0.013, 0.21};
        int[] covered = new int[2];
        for (int sweep = 0; sweep < sweeps; sweep++) {
            double[][] levels = new double[2][tokens];
            double[] state = new double[2];
            double[] before = new double[2];
            for (int t = -100; t < tokens; t++) {
                double shared = heavy(random);
                for (int l = 0; l < 2; l++) {
                    double shock = 0.7 * shared + 0.7 * heavy(random);
                    state[l] = rho * state[l] + shock + movingAverage * before[l];
                    before[l] = shock;
                    if (t >= 0) {
                        levels[l][t] = truth[l] + 0.3 * state[l];
                    }
                }
            }
            BlockBootstrap bootstrap = BlockBootstrap.of(List.of(levels[0], levels[1]), resamples, sweep);
            for (int l = 0; l < 2; l++) {
                double[] interval = bootstrap.interval(l, 0.95);
                covered[l] += interval[0] <= truth[l] && truth[l] <= interval[1] ? 1 : 0;
            }
        }
        for (int l = 0; l < 2; l++) {
            double coverage = (double) covered[l] / sweeps;
            assertTrue(coverage >= 0.93 && coverage <= 0.97, "level " + l + " covered " + coverage);
        }
    }

    /** A shock of mean zero and heavy tails: a normal one, three times as large in one of ten cases. */
    private static double heavy(SplittableRandom random) {
        double normal = random.nextGaussian();
        return random.nextInt(10) == 0 ? 3 * normal : normal;
    }

    @Test
    void aSeriesWithoutVariationHasAnIntervalOfZeroWidth() {
        double[] none = new double[5000];
        double[] shift = new double[5000];
        java.util.Arrays.fill(shift, 0.1);
        double[] noise = new SplittableRandom(5).doubles(5000).toArray();
        BlockBootstrap bootstrap = BlockBootstrap.of(List.of(none, shift, noise), 1);
        assertArrayEquals(new double[] {0, 0}, bootstrap.interval(0, 0.95));
        assertEquals(0.1, bootstrap.interval(1, 0.95)[0], 1e-12);
        assertEquals(0, bootstrap.standardError(1, 0));
    }

    @Test
    void whatIsNotFiniteIsLeftOut() {
        SplittableRandom random = new SplittableRandom(8);
        double[] whole = random.doubles(4000).toArray();
        double[] holes = whole.clone();
        double sum = 0;
        int count = 0;
        for (int i = 0; i < holes.length; i++) {
            if (i % 7 == 3) {
                holes[i] = i % 2 == 0 ? Double.NaN : Double.POSITIVE_INFINITY;
            } else {
                sum += holes[i];
                count++;
            }
        }
        BlockBootstrap bootstrap = BlockBootstrap.of(List.of(whole, holes), 1);
        assertEquals(sum / count, bootstrap.mean(1), 1e-12);
        double[] interval = bootstrap.interval(1, 0.95);
        assertEquals(2 * 1.96 * Math.sqrt(1.0 / 12 / count), interval[1] - interval[0], 0.002);
    }

    @Test
    void oneTokenHasNoInterval() {
        BlockBootstrap bootstrap = BlockBootstrap.of(List.of(new double[] {3}, new double[] {4}), 1);
        assertEquals(4, bootstrap.mean(1));
        assertTrue(Double.isNaN(bootstrap.interval(1, 0.95)[0]) || bootstrap.interval(1, 0.95)[0] == 4);
        Comparisons comparisons = new Comparisons(bootstrap, 2);
        assertFalse(
                Double.isFinite(comparisons.interval(0, 1)[0]) && comparisons.interval(0, 1)[0] > 0);
    }

    @Test
    void theSameSeedGivesTheSameIntervals() {
        double[] noise = new SplittableRandom(5).doubles(5000).toArray();
        double[] first = BlockBootstrap.of(List.of(noise), 42).interval(0, 0.9);
        assertArrayEquals(first, BlockBootstrap.of(List.of(noise), 42).interval(0, 0.9));
        assertFalse(java.util.Arrays.equals(
                first, BlockBootstrap.of(List.of(noise), 43).interval(0, 0.9)));
    }
}
