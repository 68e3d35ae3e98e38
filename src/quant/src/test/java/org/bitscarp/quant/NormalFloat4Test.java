package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class NormalFloat4Test {
    /**
     * Made with Python 3.11: scale = half-precision max |w| ({@code struct} format e), code = index of the nearest of
     * the 16 constants of bitsandbytes to w / scale, low nibble first; values in doubles rounded to fp32.
     */
    @Test
    void publishedRuleGivesTheBytesOfAnIndependentProgram() {
        PackedMatrix packed = GroupedIntTest.pack("nf4:g8", GroupedIntTest.GOLDEN_WEIGHTS, 1, 16, new SolveStats());
        assertEquals("0f405b18a77f333bbaf7ec89", GroupedIntTest.hex(packed));
        float[] w = new float[16];
        packed.decodeRow(0, w);
        assertArrayEquals(
                new float[] {
                    0.6857303380966187f,
                    -0.37496015429496765f,
                    0.16149204969406128f,
                    -1.412781834602356f,
                    0.0f,
                    0.4994349181652069f,
                    2.029296875f,
                    0.0f,
                    0.22147703170776367f,
                    0.3040907084941864f,
                    0.0f,
                    0.89990234375f,
                    0.3965958058834076f,
                    0.6505905389785767f,
                    0.14482146501541138f,
                    0.07161449640989304f
                },
                w);
    }

    @Test
    void searchIsNeverWorseAndCloseToBruteForce() {
        NormalFloat4 format = new NormalFloat4(BlockScope.ROW);
        double ratios = 0;
        int blocks = 0;
        for (Weights kind : Weights.values()) {
            for (int seed = 0; seed < 10; seed++) {
                float[] w = kind.block(64, seed);
                float[] importance = seed % 2 == 0 ? null : Weights.importance(64, seed);
                double published = SquaredError.of(format.fit(w, 0, 64), w, 0, 64, importance, 0);
                double searched = SquaredError.of(format.search(w, 0, 64, importance, 0), w, 0, 64, importance, 0);
                assertTrue(searched <= published, kind + " seed " + seed);
                // The published grid of a single weight has that weight as its scale.
                float max = 0;
                for (float x : w) {
                    max = Math.max(max, Math.abs(x));
                }
                double least = Double.POSITIVE_INFINITY;
                for (double share = -1.6; share < 1.6; share += 0.002) {
                    float[] lone = {(float) Math.abs(share * max)};
                    Grid grid = share < 0 ? mirrored(format, lone[0]) : format.fit(lone, 0, 1);
                    least = Math.min(least, SquaredError.of(grid, w, 0, 64, importance, 0));
                }
                ratios += searched / least;
                blocks++;
            }
        }
        double mean = ratios / blocks;
        System.out.printf("nf4 search: mean error %.4f of brute force over %d blocks%n", mean, blocks);
        assertTrue(mean < 1.02, "mean error is " + mean + " of the optimum");
    }

    /** The grid with the negative of a scale. */
    private static Grid mirrored(NormalFloat4 format, float scale) {
        Grid grid = format.fit(new float[] {scale}, 0, 1);
        return new Grid() {
            @Override
            public int nearest(int position, float weight) {
                return grid.nearest(position, -weight);
            }

            @Override
            public float value(int position, int code) {
                return -grid.value(position, code);
            }
        };
    }
}
