package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IntSearchTest {
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8})
    void neverWorseThanThePublishedRule(int bits) {
        for (boolean symmetric : new boolean[] {false, true}) {
            GroupedInt format = new GroupedInt(bits, BlockScope.ROW, symmetric);
            for (Weights kind : Weights.values()) {
                for (int length : new int[] {1, 3, 16, 31, 128, 777}) {
                    for (int seed = 0; seed < 12; seed++) {
                        float[] w = kind.block(length + 2, seed);
                        float[] importance = seed % 3 == 0 ? null : Weights.importance(length + 1, seed);
                        double published = SquaredError.of(format.fit(w, 2, length), w, 2, length, importance, 1);
                        Grid found = format.search(w, 2, length, importance, 1);
                        double searched = SquaredError.of(found, w, 2, length, importance, 1);
                        String what = format + " " + kind + " length " + length + " seed " + seed;
                        assertTrue(searched <= published, () -> what + ": " + searched + " > " + published);
                    }
                }
            }
        }
    }

    @Test
    void hostileBlocksAreSurvived() {
        GroupedInt format = new GroupedInt(3, BlockScope.ROW, false);
        float[][] blocks = {
            new float[16],
            {1e38f, -1e38f, 3e38f, 0},
            {Float.MIN_VALUE, -Float.MIN_VALUE},
            {1e-7f, -3e-7f, 2e-7f},
            {65504f, -65504f, 1f},
            {5f},
            {-5f, -5f, -5f}
        };
        for (float[] w : blocks) {
            float[] none = new float[w.length];
            for (float[] importance : new float[][] {null, none}) {
                IntGrid grid = (IntGrid) format.search(w, 0, w.length, importance, 0);
                assertTrue(Float.isFinite(grid.scale()));
                assertEquals(grid.scale(), HalfScale.round(grid.scale()), "the scale can be stored");
                assertTrue(grid.zero() >= 0 && grid.zero() <= grid.maxCode());
            }
        }
    }

    /** Every zero point times scales in steps of 0.1 %, which brackets the optimum at these widths. */
    private static double bruteForce(GroupedInt format, float[] w, float[] importance) {
        float max = 0;
        for (float x : w) {
            max = Math.max(max, Math.abs(x));
        }
        double least = Double.POSITIVE_INFINITY;
        int zeroFrom = format.symmetric() ? 1 << (format.bits() - 1) : 0;
        int zeroTo = format.symmetric() ? zeroFrom : format.maxCode();
        for (double scale = 2.2 * max; scale > 0.02 * max; scale *= 0.999) {
            for (int sign = 1; sign >= (format.symmetric() ? -1 : 1); sign -= 2) {
                for (int zero = zeroFrom; zero <= zeroTo; zero++) {
                    IntGrid grid = new IntGrid(HalfScale.round((float) (sign * scale)), zero, format.maxCode(), 0);
                    least = Math.min(least, SquaredError.of(grid, w, 0, w.length, importance, 0));
                }
            }
        }
        return least;
    }

    /** On average within 1 % of the optimum over all scales and zero points. */
    @ParameterizedTest
    @CsvSource({"2, false", "2, true", "3, false", "3, true"})
    void closeToBruteForce(int bits, boolean symmetric) {
        GroupedInt format = new GroupedInt(bits, BlockScope.ROW, symmetric);
        double ratios = 0;
        int blocks = 0;
        for (Weights kind : Weights.values()) {
            for (int seed = 100; seed < 108; seed++) {
                float[] w = kind.block(32, seed);
                float[] importance = seed % 2 == 0 ? null : Weights.importance(32, seed);
                double searched = SquaredError.of(format.search(w, 0, 32, importance, 0), w, 0, 32, importance, 0);
                ratios += searched / bruteForce(format, w, importance);
                blocks++;
            }
        }
        double mean = ratios / blocks;
        System.out.printf("%s search: mean error %.4f of brute force over %d blocks%n", format, mean, blocks);
        assertTrue(mean < 1.01, "mean error is " + mean + " of the optimum");
    }

    /** Sums in vectors equal the specification's to the last bit. */
    @Test
    void fastSumsEqualTheSpecification() {
        SplittableRandom random = new SplittableRandom(99);
        for (int length : new int[] {1, 7, 8, 9, 16, 31, 128, 1001}) {
            for (Weights kind : Weights.values()) {
                float[] w = kind.block(length, length);
                float[] importance = random.nextBoolean() ? null : Weights.importance(length, length);
                BlockError block = new BlockError(w, 0, length, 1f, importance, 0, 15);
                for (int i = 0; i < 20; i++) {
                    float scale = (float) random.nextDouble(-0.3, 0.3);
                    int zero = random.nextInt(16);
                    assertEquals(block.errorScalar(scale, zero), block.error(scale, zero));
                    block.moments(scale, zero);
                    double[] fast = {block.codes(), block.codesSquared(), block.weightedCodes()};
                    block.momentsScalar(scale, zero);
                    assertEquals(block.codes(), fast[0]);
                    assertEquals(block.codesSquared(), fast[1]);
                    assertEquals(block.weightedCodes(), fast[2]);
                }
            }
        }
    }
}
