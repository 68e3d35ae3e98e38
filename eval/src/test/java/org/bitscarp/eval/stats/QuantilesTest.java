package org.bitscarp.eval.stats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class QuantilesTest {
    /** numpy.percentile (2.4.6) of a thousand numbers of a multiplicative congruential generator. */
    @Test
    void quantilesAreThoseOfNumpy() {
        double[] x = new double[1002];
        long state = 7;
        for (int i = 0; i < 1000; i++) {
            state = state * 48271 % 2147483647;
            x[i] = state / 2147483647.0 - 0.5;
        }
        x[1000] = Double.NaN;
        x[1001] = Double.NEGATIVE_INFINITY;
        double[] expected = {
            -0.4998426544479293,
            -0.4904440607691389,
            -0.4578896512779824,
            -0.41675536200253077,
            -0.045595261056719016,
            0.3817756893959715,
            0.4351021052035978,
            0.4927791667928822,
            0.49967013526552834,
            0.49984220042817396
        };
        double[] found = Quantiles.of(x).at(0, 0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1);
        assertArrayEquals(expected, found, 1e-15);
    }

    @Test
    void smallSamples() {
        assertTrue(Double.isNaN(Quantiles.of(new double[] {Double.NaN}).at(0.5)));
        assertEquals(3, Quantiles.of(new double[] {3}).at(0.99));
        assertEquals(2.5, Quantiles.of(new double[] {3, 2}).at(0.5));
    }
}
