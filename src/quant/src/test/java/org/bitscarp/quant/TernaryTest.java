package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TernaryTest {
    /**
     * Made with Python 3.11: scale = half-precision mean |w|, code = clamp(round(w / scale), −1, 1), Σ (code + 1)·3^k.
     */
    @Test
    void absmeanGivesTheBytesOfAnIndependentProgram() {
        PackedMatrix packed = GroupedIntTest.pack("ternary:g8", GroupedIntTest.GOLDEN_WEIGHTS, 1, 16, new SolveStats());
        assertEquals("07395f116435e90e", GroupedIntTest.hex(packed));
    }

    /** Least error over all supports that are prefixes, judged with the unrounded scale: a bound no grid can beat. */
    private static double optimum(float[] w, float[] importance) {
        double least = Double.POSITIVE_INFINITY;
        for (float threshold : w) {
            double sum = 0;
            double sumW = 0;
            for (int i = 0; i < w.length; i++) {
                if (Math.abs(w[i]) >= Math.abs(threshold)) {
                    sum += h(importance, i);
                    sumW += h(importance, i) * Math.abs(w[i]);
                }
            }
            double scale = sum > 0 ? sumW / sum : 0;
            double error = 0;
            for (int i = 0; i < w.length; i++) {
                double q = Math.abs(w[i]) >= Math.abs(threshold) ? scale : 0;
                error += h(importance, i) * (Math.abs(w[i]) - q) * (Math.abs(w[i]) - q);
            }
            least = Math.min(least, error);
        }
        return least;
    }

    private static double h(float[] importance, int i) {
        return importance == null ? 1 : importance[i];
    }

    @Test
    void searchFindsTheOptimum() {
        Ternary format = new Ternary(BlockScope.ROW);
        for (Weights kind : Weights.values()) {
            for (int length : new int[] {1, 2, 5, 64, 200}) {
                for (int seed = 0; seed < 20; seed++) {
                    float[] w = kind.block(length, seed);
                    float[] importance = seed % 2 == 0 ? null : Weights.importance(length, seed);
                    Grid grid = format.search(w, 0, length, importance, 0);
                    double error = SquaredError.of(grid, w, 0, length, importance, 0);
                    double published = SquaredError.of(format.fit(w, 0, length), w, 0, length, importance, 0);
                    assertTrue(error <= published);
                    double all = 0;
                    for (int i = 0; i < length; i++) {
                        all += h(importance, i) * w[i] * w[i];
                    }
                    // What FP16 takes from the scale, 2^-11 of it, costs at most 2^-22 of the energy.
                    double bound = optimum(w, importance) + 0x1p-21 * all;
                    assertTrue(
                            error <= bound,
                            kind + " length " + length + " seed " + seed + ": " + error + " > " + bound);
                }
            }
        }
    }

    @Test
    void oneScaleServesTheTensor() {
        int rows = 40;
        int columns = 50;
        for (Weights kind : Weights.values()) {
            float[] w = kind.block(rows * columns, 4);
            float[] importance = Weights.importance(columns, 4);
            float[] spread = new float[w.length];
            for (int i = 0; i < w.length; i++) {
                spread[i] = importance[i % columns];
            }
            DenseMatrix matrix = Weights.dense(w, rows, columns);
            Ternary tensor = new Ternary(BlockScope.TENSOR);
            Ternary row = new Ternary(BlockScope.ROW);
            assertEquals(row.fit(w, 0, w.length), tensor.fitShared(matrix));
            double exact = SquaredError.of(row.search(w, 0, w.length, spread, 0), w, 0, w.length, spread, 0);
            double binned = SquaredError.of(tensor.searchShared(matrix, importance), w, 0, w.length, spread, 0);
            assertEquals(exact, binned, 1e-4 * exact, kind.name());
        }
    }

    @Test
    void everyRowOfASharedGridStoresTheSameScale() {
        DenseMatrix matrix = Weights.HEAVY_TAILED.matrix(9, 31, 1);
        for (String text : new String[] {"ternary:tensor", "ternary:tensor:search"}) {
            Level level = Level.parse(text);
            PackedMatrix packed = PackedMatrix.allocate(level.format(), 9, 31, Arena.ofAuto());
            level.solver().prepare(matrix, null, packed).solve(0, 9, new SolveStats());
            float scale = HalfScale.get(packed.bytes(), 0);
            assertTrue(scale > 0);
            for (int row = 1; row < 9; row++) {
                assertEquals(
                        scale,
                        HalfScale.get(packed.bytes(), row * level.format().rowBytes(31)));
            }
        }
    }

    /** Bytes that are never written decode to something harmless. */
    @Test
    void everyByteDecodes() {
        Ternary format = new Ternary(BlockScope.ROW);
        byte[] bytes = new byte[2 + 256];
        bytes[1] = 0x3C; // FP16 1.0
        for (int i = 0; i < 256; i++) {
            bytes[2 + i] = (byte) i;
        }
        float[] w = new float[256 * 5];
        format.decode(MemorySegment.ofArray(bytes), 0, w.length, w, 0);
        for (float x : w) {
            assertTrue(x == -1 || x == 0 || x == 1);
        }
        assertArrayEquals(new float[] {-1, -1, -1, -1, -1}, Arrays.copyOf(w, 5));
        assertArrayEquals(new float[] {0, -1, -1, -1, -1}, Arrays.copyOfRange(w, 5, 10));
        assertArrayEquals(new float[] {1, 1, 1, 1, 1}, Arrays.copyOfRange(w, 242 * 5, 243 * 5));
    }
}
