package org.bitscarp.eval.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StatisticsTest {
    private static final int[] ROWS = IntStream.range(0, 6).toArray();

    @Test
    void perplexityAndItsError() {
        double[] nll = {1, 2, 3, 4, 5, 6};
        Perplexity p = Perplexity.of(nll, ROWS);
        assertEquals(Math.exp(3.5), p.value(), 1e-12);
        // Population variance 35/12, over count − 1 = 5.
        assertEquals(Math.exp(3.5) * Math.sqrt(35.0 / 12 / 5), p.stderr(), 1e-12);
        assertEquals(21, p.nllSum());
        assertEquals(0, p.nonfinite());
    }

    @Test
    void scoresThatAreNotNumbersAreCountedNotAveraged() {
        double[] nll = {1, Double.NaN, 3, Double.POSITIVE_INFINITY, 5, 6};
        Perplexity p = Perplexity.of(nll, ROWS);
        assertEquals(2, p.nonfinite());
        assertEquals(4, p.count());
        assertEquals(15, p.nllSum());
    }

    @Test
    void identicalScoresAreTiedWithAnIntervalOfZeroWidth() {
        double[] nll = {1, 2, 3, 4, 5, 6};
        PairedDifference d = PairedDifference.of(nll, nll.clone(), ROWS, new int[] {0, 0, 1, 1, 2, 2});
        assertEquals(new PairedDifference(0, 0, 0, 0), d);
        assertTrue(d.tied());
    }

    @Test
    void oneWindowHasNoInterval() {
        double[] a = {1, 2, 3, 4, 5, 6};
        double[] b = {1, 2, 3, 4, 5, 7};
        PairedDifference d = PairedDifference.of(a, b, ROWS, new int[6]);
        assertTrue(Double.isNaN(d.low()) && Double.isNaN(d.high()));
        assertFalse(d.tied());
    }

    /** The interval has to contain the truth 95 times in 100 although tokens of a window move together. */
    @Test
    void theIntervalCoversTheTruthUnderCorrelationWithinWindows() {
        SplittableRandom random = new SplittableRandom(4711);
        int windows = 24;
        int tokens = 40;
        int[] rows = IntStream.range(0, windows * tokens).toArray();
        int[] window = IntStream.range(0, windows * tokens).map(i -> i / tokens).toArray();
        int covered = 0;
        int trials = 2000;
        for (int trial = 0; trial < trials; trial++) {
            double[] level = new double[rows.length];
            double[] reference = new double[rows.length];
            for (int w = 0; w < windows; w++) {
                double shared = random.nextGaussian() * 0.05;
                for (int t = 0; t < tokens; t++) {
                    int i = w * tokens + t;
                    reference[i] = 5 + 2 * random.nextGaussian();
                    level[i] = reference[i] + 0.02 + shared + 0.2 * random.nextGaussian();
                }
            }
            PairedDifference d = PairedDifference.of(level, reference, rows, window);
            covered += d.low() <= 0.02 && 0.02 <= d.high() ? 1 : 0;
        }
        double coverage = (double) covered / trials;
        assertTrue(coverage > 0.93 && coverage < 0.97, "covered " + coverage);
    }

    @Test
    void studentQuantilesAreThoseOfTheTables() {
        assertEquals(12.706, PairedDifference.studentQuantile(1), 1e-3);
        assertEquals(2.776, PairedDifference.studentQuantile(4), 1e-3);
        assertEquals(2.571, PairedDifference.studentQuantile(5), 3e-3);
        assertEquals(2.228, PairedDifference.studentQuantile(10), 1e-3);
        assertEquals(1.984, PairedDifference.studentQuantile(100), 1e-3);
    }

    @Test
    void meanDivergence() {
        double[] kld = {0.1, 0.2, 0.3, 0.4, Double.NaN, 0.5};
        boolean[] same = {true, true, false, true, true, false};
        MeanDivergence d = MeanDivergence.of(kld, same, ROWS);
        assertEquals(0.3, d.mean(), 1e-12);
        assertEquals(Math.sqrt(0.02 / 4), d.stderr(), 1e-12);
        assertEquals(0.6, d.sameTop1(), 1e-12);
    }
}
