package org.bitscarp.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PassagesTest {
    private static final long SEED = 5;

    @Test
    void costliestRunLiesInOneWindow() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 200; round++) {
            int[] windows = new int[60];
            double[] values = new double[windows.length];
            for (int i = 0; i < windows.length; i++) {
                windows[i] = i / 15;
                values[i] = random.nextDouble(-1, 2);
            }
            int tokens = random.nextInt(1, 20);
            int length = Math.min(tokens, 15);
            double most = Double.NEGATIVE_INFINITY;
            for (int from = 0; from + length <= windows.length; from++) {
                if (windows[from] == windows[from + length - 1]) {
                    most = Math.max(most, sum(values, from, length));
                }
            }
            int found = Passages.costliest(values, windows, tokens);
            assertEquals(windows[found], windows[found + length - 1], "seed " + SEED);
            assertEquals(most, sum(values, found, length), 1e-12, "seed " + SEED);
        }
    }

    private static double sum(double[] values, int from, int length) {
        double sum = 0;
        for (int i = from; i < from + length; i++) {
            sum += values[i];
        }
        return sum;
    }
}
