package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ScaleErrorTest {
    private static final int N = 7;
    private final SplittableRandom random = new SplittableRandom(11);
    private final double[][] h = new double[N][N];
    private final double[] e = new double[N];
    private final double[] level = new double[N];

    ScaleErrorTest() {
        double[][] x = new double[3 * N][N];
        for (double[] sample : x) {
            for (int i = 0; i < N; i++) {
                sample[i] = random.nextGaussian();
                for (int j = 0; j <= i; j++) {
                    h[i][j] += sample[i] * sample[j];
                    h[j][i] = h[i][j];
                }
            }
        }
        for (int i = 0; i < N; i++) {
            e[i] = random.nextGaussian();
            level[i] = random.nextInt(-4, 4);
        }
    }

    /** (e − move)·H·(e − move)ᵀ for move = scale × (level − shift) + offset. */
    private double error(double scale, double shift, double offset) {
        double sum = 0;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                sum += (e[i] - scale * (level[i] - shift) - offset)
                        * h[i][j]
                        * (e[j] - scale * (level[j] - shift) - offset);
            }
        }
        return sum;
    }

    private ScaleError function() {
        double[] sums = new double[5];
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                sums[0] += e[j] * h[i][j] * level[i];
                sums[1] += e[j] * h[i][j];
                sums[2] += level[i] * h[i][j] * level[j];
                sums[3] += level[i] * h[i][j];
                sums[4] += h[i][j];
            }
        }
        return new ScaleError(sums[0], sums[1], sums[2], sums[3], sums[4]);
    }

    @Test
    void changeIsTheDifferenceOfTwoErrors() {
        for (double[] move : new double[][] {{0, 0}, {0.3, 0}, {0, -0.2}, {-1.5, 2}}) {
            double expected = error(move[0], 0, move[1]) - error(0, 0, 0);
            assertEquals(expected, function().change(move[0], move[1]), 1e-9);
        }
    }

    @Test
    void nothingIsBetterThanTheBestMoves() {
        ScaleError f = function();
        double scale = f.bestScale();
        double offset = f.bestOffset(scale);
        double alone = f.bestScale(0.25);
        for (double by : new double[] {-0.01, 0.01}) {
            assertTrue(f.change(scale, offset) < f.change(scale + by, offset));
            assertTrue(f.change(scale, offset) < f.change(scale, offset + by));
            assertTrue(f.change(scale, offset) < f.change(scale + by, offset - by));
            assertTrue(f.change(alone, 0.25) < f.change(alone + by, 0.25));
        }
    }

    /** Before: scale 0.5 around zero point 0. After: another scale around the zero point one further. */
    @Test
    void theBestScaleAroundAnotherZeroPoint() {
        ScaleError f = function();
        for (int shift : new int[] {-1, 0, 1}) {
            double move = f.bestScaleOfShifted(0.5, shift);
            double best = f.change(move, -shift * (0.5 + move));
            for (double by : new double[] {-0.01, 0.01}) {
                assertTrue(best < f.change(move + by, -shift * (0.5 + move + by)), "shift " + shift);
            }
        }
    }

    @Test
    void directionsThatMakeNoDifferenceStay() {
        ScaleError flat = new ScaleError(0, 0, 0, 0, 0);
        assertEquals(0, flat.bestScale());
        assertEquals(0, flat.bestScale(1));
        assertEquals(0, flat.bestOffset(1));
        assertEquals(0, flat.bestScaleOfShifted(1, 1));
    }
}
