package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.bitscarp.quant.gptq.TileProduct.View;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products against one chain of fused multiply-adds for each element, bit by bit, inside matrices that must not change. */
class TileProductTest {
    /** Columns of every matrix: the views are parts of them. */
    private static final int STRIDE = 700;

    private final Arena arena = Arena.ofAuto();
    private final SplittableRandom random = new SplittableRandom(17);

    private MemorySegment matrix(int rows) {
        MemorySegment s = arena.allocate(4L * rows * STRIDE, 64);
        for (long i = 0; i < (long) rows * STRIDE; i++) {
            s.setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return s;
    }

    private static float chain(int k, View a, int row, View b, int column, float start) {
        float sum = start;
        for (int p = 0; p < k; p++) {
            float x = a.data().getAtIndex(JAVA_FLOAT, a.at() + row * a.rowStride() + p * a.columnStride());
            sum = Math.fma(-x, b.data().getAtIndex(JAVA_FLOAT, b.at() + p * b.rowStride() + column), sum);
        }
        return sum;
    }

    /** Checks what is inside the view, and that nothing outside of it changed. */
    private static void check(int m, int n, int k, View a, View b, MemorySegment before, View c) {
        for (long i = 0; i < before.byteSize() / 4; i++) {
            long inside = i - c.at();
            int row = (int) (inside / STRIDE);
            int column = (int) (inside % STRIDE);
            boolean in = inside >= 0 && row < m && column < n;
            float start = before.getAtIndex(JAVA_FLOAT, i);
            float expected = in ? chain(k, a, row, b, column, start) : start;
            assertEquals(expected, c.data().getAtIndex(JAVA_FLOAT, i), "row " + row + ", column " + column);
        }
    }

    private MemorySegment copy(MemorySegment s) {
        return arena.allocate(s.byteSize(), 64).copyFrom(s);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "3,65,7", "4,64,256", "5,70,257", "8,130,600", "17,128,16", "64,33,128", "2,128,128"})
    void subtract(int m, int n, int k) {
        MemorySegment left = matrix(m + 1);
        MemorySegment right = matrix(k + 1);
        MemorySegment target = matrix(m + 2);
        MemorySegment before = copy(target);
        View a = View.of(left, STRIDE, 1, 3);
        View b = View.of(right, STRIDE, 1, 5);
        View c = View.of(target, STRIDE, 1, 7);
        TileProduct.subtract(m, n, k, a, b, c);
        check(m, n, k, a, b, before, c);
    }

    @ParameterizedTest
    @CsvSource({"4,1", "5,66", "8,300", "2,129", "7,600"})
    void triangularFactor(int m, int n) {
        MemorySegment left = matrix(m);
        MemorySegment right = matrix(n);
        for (int i = 0; i < n; i++) {
            right.asSlice(4L * i * STRIDE, 4L * i).fill((byte) 0);
        }
        MemorySegment target = matrix(m);
        MemorySegment before = copy(target);
        View a = View.of(left, STRIDE, 0, 1);
        View b = View.of(right, STRIDE, 0, 0);
        View c = View.of(target, STRIDE, 0, 9);
        TileProduct.subtractTriangular(m, n, a, b, c);
        check(m, n, n, a, b, before, c);
    }

    @ParameterizedTest
    @CsvSource({"1,1", "64,3", "200,9", "650,4"})
    void chosenRows(int n, int count) {
        MemorySegment right = matrix(40);
        MemorySegment target = matrix(1);
        MemorySegment before = copy(target);
        float[] factors = new float[count];
        int[] rows = new int[count];
        for (int i = 0; i < count; i++) {
            factors[i] = (float) random.nextGaussian();
            rows[i] = 4 * i + 2;
        }
        View b = View.of(right, STRIDE, 1, 2);
        View c = View.of(target, STRIDE, 0, 6);
        TileProduct.subtractRows(n, count, factors, rows, b, c);
        for (int column = 0; column < STRIDE; column++) {
            float expected = before.getAtIndex(JAVA_FLOAT, column);
            for (int i = 0; i < count && column >= 6 && column < 6 + n; i++) {
                long at = b.at() + (long) rows[i] * STRIDE + column - 6;
                expected = Math.fma(-factors[i], right.getAtIndex(JAVA_FLOAT, at), expected);
            }
            assertEquals(expected, target.getAtIndex(JAVA_FLOAT, column), "column " + column);
        }
    }
}
