package org.bitscarp.quant.ggml;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.quant.Grid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Searches with a sub-block or a candidate in each lane against their scalar specifications, bit by bit. */
class EncoderLanesTest {
    private static final int BLOCKS = 50;
    private static final int LENGTH = KFormat.LENGTH;

    static List<String> kinds() {
        return GgmlReference.KINDS;
    }

    private static float[] weights(String kind) {
        return GgmlReference.weights(GgmlTypes.byName("q4_k").orElseThrow(), kind, BLOCKS * LENGTH);
    }

    private static float[] importance(String kind) {
        return GgmlReference.importance(GgmlTypes.byName("q4_k").orElseThrow(), kind, BLOCKS * LENGTH);
    }

    private static float[] block(float[] numbers, int block) {
        return java.util.Arrays.copyOfRange(numbers, block * LENGTH, (block + 1) * LENGTH);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void affine(String kind) {
        List<AffineFit> rules = List.of(
                new AffineFit(3, -0.5f, 0.1f, 15, true),
                new AffineFit(15, -1, 0.1f, 20, false),
                new AffineFit(31, -0.9f, 0.05f, 36, false));
        float[] w = weights(kind);
        float[] h = importance(kind);
        for (AffineFit rule : rules) {
            int length = rule.maxCode() == 3 ? 16 : 32;
            int subBlocks = LENGTH / length;
            for (int b = 0; b < BLOCKS; b++) {
                float[] x = block(w, b);
                float[] weights = block(h, b);
                int[] codes = new int[LENGTH];
                float[] scales = new float[subBlocks];
                float[] minima = new float[subBlocks];
                rule.fitAll(x, length, weights, codes, scales, minima);
                int[] expected = new int[LENGTH];
                for (int sub = 0; sub < subBlocks; sub++) {
                    AffineFit.Result result = rule.fit(x, sub * length, length, weights, expected);
                    assertEquals(bits(result.scale()), bits(scales[sub]), rule + ", sub-block " + sub);
                    assertEquals(bits(result.minimum()), bits(minima[sub]), rule + ", sub-block " + sub);
                }
                assertArrayEquals(expected, codes, rule.toString());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void signed(String kind) {
        float[] w = weights(kind);
        float[] h = importance(kind);
        int length = 16;
        for (int half : new int[] {4, 32}) {
            for (int b = 0; b < BLOCKS; b++) {
                float[] x = block(w, b);
                for (float[] weights : new float[][] {null, block(h, b)}) {
                    int[] codes = new int[LENGTH];
                    float[] scales = new float[LENGTH / length];
                    ScaleFit.signed(x, length, half, weights, codes, scales);
                    int[] expected = new int[LENGTH];
                    for (int sub = 0; sub < scales.length; sub++) {
                        float scale = ScaleFit.signed(x, sub * length, length, half, weights, expected);
                        assertEquals(bits(scale), bits(scales[sub]), half + ", sub-block " + sub);
                    }
                    assertArrayEquals(expected, codes);
                }
                int[] codes = new int[LENGTH];
                float[] scales = new float[LENGTH / length];
                ScaleFit.signedByCode(x, length, half, codes, scales);
                int[] expected = new int[LENGTH];
                for (int sub = 0; sub < scales.length; sub++) {
                    float scale = ScaleFit.signedByCode(x, sub * length, length, half, expected);
                    assertEquals(bits(scale), bits(scales[sub]), half + " by code, sub-block " + sub);
                }
                assertArrayEquals(expected, codes);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void unevenLevels(String kind) {
        float[] w = weights(kind);
        float[] h = importance(kind);
        SplittableRandom random = new SplittableRandom(3);
        for (int from = 0; from < w.length; from += 32) {
            float peak = ScaleFit.peak(w, from, 32);
            assertEquals(bits(ScaleFit.peakOneByOne(w, from, 32)), bits(peak));
            float[] inverse = new float[16];
            for (int c = 0; c < inverse.length; c++) {
                inverse[c] = (float) (random.nextGaussian() * 130 / (peak == 0 ? 1 : peak));
            }
            float[] products = new float[inverse.length];
            float[] squares = new float[inverse.length];
            UnevenFormat.LANES.sums(w, h, from, 32, inverse, products, squares);
            float[] expectedProducts = new float[inverse.length];
            float[] expectedSquares = new float[inverse.length];
            UnevenFormat.sums(w, h, from, inverse, expectedProducts, expectedSquares);
            assertArrayEquals(expectedProducts, products);
            assertArrayEquals(expectedSquares, squares);
        }
    }

    /** Whole rows against block after block, blocks that saturate or vanish and equal magnitudes of both signs included. */
    @ParameterizedTest
    @MethodSource("kinds")
    void rows(String kind) {
        for (String name : List.of("q4_0", "q5_0", "q8_0", "q2_0", "tq1_0", "tq2_0")) {
            GgmlFormat format = GgmlTypes.byName(name).orElseThrow();
            float[] w = GgmlReference.weights(format, kind, BLOCKS * LENGTH);
            w[LENGTH + 3] = 3e38f;
            w[2 * LENGTH + 5] = -65520 * 8f;
            w[3 * LENGTH] = 10;
            w[3 * LENGTH + 9] = -10;
            w[4 * LENGTH] = -10;
            w[4 * LENGTH + 31] = 10;
            Arrays.fill(w, 5 * LENGTH, 6 * LENGTH, -1e-9f);
            int columns = w.length;
            MemorySegment expected = MemorySegment.ofArray(new byte[(int) format.rowBytes(columns)]);
            float[] expectedValues = new float[columns];
            int[] codes = new int[format.blockLength()];
            int expectedFallbacks = 0;
            for (int at = 0, to = 0; at < columns; at += codes.length, to += format.blockBytes()) {
                Grid grid = format.fit(w, at, codes.length);
                grid.nearest(w, at, codes.length, codes);
                grid.values(codes, codes.length, expectedValues, at);
                format.encode(grid, codes, codes.length, expected, to);
                expectedFallbacks += grid.fallbacks();
            }
            MemorySegment packed = MemorySegment.ofArray(new byte[2 + (int) expected.byteSize()]);
            float[] values = new float[columns];
            assertEquals(expectedFallbacks, format.rowRounder(columns).round(w, values, packed, 2), name);
            assertTrue(expectedFallbacks > 1, name);
            assertEquals(-1, expected.mismatch(packed.asSlice(2)), name);
            for (int i = 0; i < columns; i++) {
                assertEquals(bits(expectedValues[i]), bits(values[i]), name);
            }
        }
    }

    @Test
    void planes() {
        SplittableRandom random = new SplittableRandom(8);
        int[] codes = random.ints(LENGTH, 0, 256).toArray();
        for (Plane plane : List.of(
                new Plane(3, 4, 16, 0), new Plane(0, 2, 32, 4), new Plane(1, 1, 32, 2), new Plane(5, 4, 64, 4))) {
            byte[] packed = new byte[5 + LENGTH];
            plane.pack(codes, LENGTH, packed, 0);
            byte[] expected = new byte[packed.length];
            plane.packBytes(codes, LENGTH, expected, plane.at());
            assertArrayEquals(expected, packed, plane.toString());
        }
    }

    private static int bits(float number) {
        return Float.floatToRawIntBits(number);
    }
}
