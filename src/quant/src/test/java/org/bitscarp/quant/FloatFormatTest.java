package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FloatFormatTest {
    @Test
    void overflowIsClampedAndCountedButInfinityAndNanAreKept() {
        SolveStats stats = new SolveStats();
        float[] w = {65519f, 65520f, -1e30f, Float.POSITIVE_INFINITY, Float.NaN, 1f};
        GroupedIntTest.pack("fp16", w, 1, 6, stats).decodeRow(0, w);
        assertArrayEquals(new float[] {65504f, 65504f, -65504f, Float.POSITIVE_INFINITY, Float.NaN, 1f}, w);
        assertEquals(2, stats.fallbacks);
        assertEquals(2, stats.nonfinite);

        SolveStats bf16 = new SolveStats();
        float[] v = {Float.MAX_VALUE, -Float.MAX_VALUE, 0x1.FEp127f, 0.1f};
        GroupedIntTest.pack("bf16", v, 1, 4, bf16).decodeRow(0, v);
        assertArrayEquals(new float[] {0x1.FEp127f, -0x1.FEp127f, 0x1.FEp127f, 0.10009765625f}, v);
        assertEquals(2, bf16.fallbacks);
    }

    @Test
    void fp32IsKeptToTheBit() {
        float[] w = {0.1f, -0f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NEGATIVE_INFINITY};
        SolveStats stats = new SolveStats();
        float[] back = new float[5];
        GroupedIntTest.pack("fp32", w, 1, 5, stats).decodeRow(0, back);
        assertArrayEquals(w, back);
        assertEquals(0, stats.fallbacks);
        assertEquals(0, stats.relativeError());
    }
}
