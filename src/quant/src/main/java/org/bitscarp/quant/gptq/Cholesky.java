package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Blocked factorisation of a positive definite matrix and inverse of the factor, in place, upper triangles only. Floor: n³/3
 * operations each, all but a share of about {@link #BLOCK} / n of them in {@link TileProduct}.
 */
final class Cholesky {
    private static final int BLOCK = 128;
    /** Columns that triangular solves take at a time: a block's rows of them are 32 KiB. */
    private static final int STRIP = 64;

    private Cholesky() {}

    /**
     * A = RᵀR with R upper triangular (Golub and Van Loan, section 4.2.7). What is below the diagonal becomes of no use.
     *
     * @return false where a pivot is not positive; the contents are then of no use
     */
    static boolean factor(DenseMatrix a) {
        int n = a.rows();
        MemorySegment s = a.data();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(4L * BLOCK * BLOCK, 64);
            MemorySegment strip = arena.allocate(4L * BLOCK * STRIP, 64);
            float[] inverses = new float[BLOCK];
            for (int k = 0; k < n; k += BLOCK) {
                int size = Math.min(BLOCK, n - k);
                copy(size, size, View.of(s, n, k, k), View.of(block, BLOCK, 0, 0));
                if (!factorBlock(block, size, inverses)) {
                    return false;
                }
                copy(size, size, View.of(block, BLOCK, 0, 0), View.of(s, n, k, k));
                int end = k + size;
                for (int j = end; j < n; j += STRIP) {
                    int width = Math.min(STRIP, n - j);
                    copy(size, width, View.of(s, n, k, j), View.of(strip, STRIP, 0, 0));
                    forward(block, size, inverses, strip, width);
                    copy(size, width, View.of(strip, STRIP, 0, 0), View.of(s, n, k, j));
                }
                if (end < n) {
                    View rows = View.of(s, n, k, end);
                    TileProduct.subtractUpper(n - end, size, rows.transposed(), rows, View.of(s, n, end, end));
                }
            }
        }
        return true;
    }

    /** The same in one piece, in rows of {@link #BLOCK}, with 1 / the diagonal beside it. */
    private static boolean factorBlock(MemorySegment block, int size, float[] inverses) {
        for (int i = 0; i < size; i++) {
            for (int p = 0; p < i; p++) {
                float factor = block.getAtIndex(JAVA_FLOAT, (long) p * BLOCK + i);
                TileProduct.subtract(size - i, factor, block, (long) p * BLOCK + i, block, (long) i * BLOCK + i);
            }
            float pivot = block.getAtIndex(JAVA_FLOAT, (long) i * BLOCK + i);
            if (!(pivot > 0 && pivot < Float.POSITIVE_INFINITY)) {
                return false;
            }
            inverses[i] = (float) (1 / Math.sqrt(pivot));
            TileProduct.scale(size - i, inverses[i], block, (long) i * BLOCK + i);
        }
        return true;
    }

    /** strip = R⁻ᵀ·strip, row after row. */
    private static void forward(MemorySegment block, int size, float[] inverses, MemorySegment strip, int width) {
        View solved = View.of(strip, STRIP, 0, 0);
        for (int i = 0; i < size; i++) {
            TileProduct.subtract(
                    1, width, i, View.of(block, BLOCK, 0, i).transposed(), solved, View.of(strip, STRIP, i, 0));
            TileProduct.scale(width, inverses[i], strip, (long) i * STRIP);
        }
    }

    /** R becomes R⁻¹, from the last block of rows to the first (block back substitution); zero below the diagonal. */
    static void invertUpper(DenseMatrix r) {
        int n = r.rows();
        MemorySegment s = r.data();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(4L * BLOCK * n, 64);
            MemorySegment block = arena.allocate(4L * BLOCK * BLOCK, 64);
            MemorySegment strip = arena.allocate(4L * BLOCK * STRIP, 64);
            for (int k = (n - 1) / BLOCK * BLOCK; k >= 0; k -= BLOCK) {
                int size = Math.min(BLOCK, n - k);
                int end = k + size;
                // The block row of R moves aside; its place takes −R·X of the rows below, then the solution.
                copy(size, size, View.of(s, n, k, k), View.of(block, BLOCK, 0, 0));
                copy(size, n - end, View.of(s, n, k, end), View.of(row, n, 0, 0));
                for (int i = k; i < end; i++) {
                    s.asSlice(4L * i * n, 4L * n).fill((byte) 0);
                    s.setAtIndex(JAVA_FLOAT, (long) i * n + i, 1);
                }
                if (end < n) {
                    TileProduct.subtractTriangular(
                            size, n - end, View.of(row, n, 0, 0), View.of(s, n, end, end), View.of(s, n, k, end));
                }
                for (int j = k; j < n; j += STRIP) {
                    int width = Math.min(STRIP, n - j);
                    copy(size, width, View.of(s, n, k, j), View.of(strip, STRIP, 0, 0));
                    backward(block, size, strip, width);
                    copy(size, width, View.of(strip, STRIP, 0, 0), View.of(s, n, k, j));
                }
            }
        }
    }

    /** strip = R⁻¹·strip, from the last row to the first. */
    private static void backward(MemorySegment block, int size, MemorySegment strip, int width) {
        for (int i = size - 1; i >= 0; i--) {
            TileProduct.subtract(
                    1,
                    width,
                    size - 1 - i,
                    View.of(block, BLOCK, i, i + 1),
                    View.of(strip, STRIP, i + 1, 0),
                    View.of(strip, STRIP, i, 0));
            TileProduct.scale(width, 1 / block.getAtIndex(JAVA_FLOAT, (long) i * BLOCK + i), strip, (long) i * STRIP);
        }
    }

    private static void copy(int rows, int columns, View from, View to) {
        for (int i = 0; i < rows; i++) {
            long source = from.at() + i * from.rowStride();
            MemorySegment.copy(from.data(), 4 * source, to.data(), 4 * (to.at() + i * to.rowStride()), 4L * columns);
        }
    }
}
