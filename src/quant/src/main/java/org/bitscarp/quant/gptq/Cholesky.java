package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.DenseMatrix;

/**
 * Blocked factorisation of a positive definite matrix and inverse of the factor, in place, upper triangles only. Floor: n³/3
 * operations each.
 */
final class Cholesky {
    private static final int BLOCK = 64;

    private Cholesky() {}

    /**
     * A = RᵀR with R upper triangular (Golub and Van Loan, section 4.2.7). Below the diagonal, A stays.
     *
     * @return false where a pivot is not positive; the contents are then of no use
     */
    static boolean factor(DenseMatrix a) {
        int n = a.rows();
        MemorySegment s = a.data();
        for (int k = 0; k < n; k += BLOCK) {
            int end = Math.min(n, k + BLOCK);
            for (int i = k; i < end; i++) {
                for (int p = k; p < i; p++) {
                    float factor = s.getAtIndex(JAVA_FLOAT, (long) p * n + i);
                    TileProduct.subtract(n - i, factor, s, (long) p * n + i, s, (long) i * n + i);
                }
                float pivot = s.getAtIndex(JAVA_FLOAT, (long) i * n + i);
                if (!(pivot > 0 && pivot < Float.POSITIVE_INFINITY)) {
                    return false;
                }
                TileProduct.scale(n - i, (float) (1 / Math.sqrt(pivot)), s, (long) i * n + i);
            }
            // A panel of columns at a time, so that little is computed below the diagonal.
            for (int j = end; j < n; j += BLOCK) {
                int width = Math.min(BLOCK, n - j);
                TileProduct.View rows = TileProduct.View.of(s, n, k, end).transposed();
                TileProduct.subtract(
                        j + width - end,
                        width,
                        end - k,
                        rows,
                        TileProduct.View.of(s, n, k, j),
                        TileProduct.View.of(s, n, end, j));
            }
        }
        return true;
    }

    /** R becomes R⁻¹, from the last block of rows to the first (block back substitution). */
    static void invertUpper(DenseMatrix r) {
        int n = r.rows();
        MemorySegment s = r.data();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(4L * BLOCK * n, 64);
            for (int k = (n - 1) / BLOCK * BLOCK; k >= 0; k -= BLOCK) {
                int end = Math.min(n, k + BLOCK);
                // The block row of R moves aside; its place takes −R·X of the rows below, then the solution.
                for (int i = k; i < end; i++) {
                    MemorySegment.copy(s, 4L * ((long) i * n + k), row, 4L * (i - k) * n, 4L * (n - k));
                    s.asSlice(4L * ((long) i * n + k), 4L * (n - k)).fill((byte) 0);
                    s.setAtIndex(JAVA_FLOAT, (long) i * n + i, 1);
                }
                if (end < n) {
                    TileProduct.View factor = new TileProduct.View(row, end - k, n, 1);
                    for (int j = end; j < n; j += BLOCK) {
                        int width = Math.min(BLOCK, n - j);
                        // X is upper triangular: rows below the panel's last column are zero.
                        TileProduct.subtract(
                                end - k,
                                width,
                                j + width - end,
                                factor,
                                TileProduct.View.of(s, n, end, j),
                                TileProduct.View.of(s, n, k, j));
                    }
                }
                for (int i = end - 1; i >= k; i--) {
                    long at = (long) i * n + k;
                    for (int p = i + 1; p < end; p++) {
                        float factor = row.getAtIndex(JAVA_FLOAT, (long) (i - k) * n + (p - k));
                        TileProduct.subtract(n - k, factor, s, (long) p * n + k, s, at);
                    }
                    float pivot = row.getAtIndex(JAVA_FLOAT, (long) (i - k) * n + (i - k));
                    TileProduct.scale(n - k, 1 / pivot, s, at);
                }
            }
        }
    }
}
