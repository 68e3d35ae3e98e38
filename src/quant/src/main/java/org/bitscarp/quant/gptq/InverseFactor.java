package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Workers;

/**
 * U, upper triangular, with (H + λI)⁻¹ = UᵀU: what GPTQ's column loop reads (arXiv 2210.17323, section 3.3, step 3). The
 * reference code inverts H and factors the inverse, 4/3·n³ operations. Here H is factored from its last channel to its
 * first and the factor inverted, which is the same matrix after 2/3·n³: with P reversing the order and PHP = RᵀR, the
 * inverse of H is (PR⁻ᵀP)ᵀ(PR⁻ᵀP).
 *
 * @param upper U, in groups of {@link RegisterTile#ROWS} columns: the left factor of feedback
 * @param lambda what was added to the diagonal
 * @param raised how often damping had to be raised before the matrix was positive definite
 * @param dead channels without any activation, whose diagonal was set to the mean
 */
record InverseFactor(PackedUpper upper, double lambda, int raised, int dead) {
    /** @param memory for U; as much again is taken for a while */
    static InverseFactor of(Hessian hessian, double damping, SegmentAllocator memory, Workers workers) {
        int n = hessian.size();
        float[] diagonal = new float[n];
        for (int i = 0; i < n; i++) {
            diagonal[i] = hessian.diagonal(i);
        }
        try (Arena arena = Arena.ofShared()) {
            PackedUpper work = PackedUpper.allocate(n, Cholesky.STRIP, arena);
            Cholesky cholesky = new Cholesky(work, arena, workers);
            Damping found = Damping.raiseUntil(diagonal, damping, tried -> {
                workers.forEach(work.groups(), strip -> reverse(hessian.values(), strip, work));
                for (int i = 0; i < n; i++) {
                    float value = diagonal[n - 1 - i];
                    work.data().setAtIndex(JAVA_FLOAT, work.at(i, i), (float)
                            ((value > 0 ? value : tried.unit()) + tried.lambda()));
                }
                return cholesky.factor();
            });
            cholesky.invert();
            PackedUpper upper = PackedUpper.allocate(n, RegisterTile.ROWS, memory);
            int together = Cholesky.STRIP / RegisterTile.ROWS;
            workers.forEach(Math.ceilDiv(upper.groups(), together), piece -> {
                int end = Math.min(upper.groups(), (piece + 1) * together);
                for (int group = piece * together; group < end; group++) {
                    mirror(work, group, upper);
                }
            });
            return new InverseFactor(upper, found.lambda(), found.raised(), found.dead());
        }
    }

    /** A strip of PHP. */
    private static void reverse(DenseMatrix h, int strip, PackedUpper work) {
        int n = work.size();
        int first = strip * work.width();
        int width = Math.min(work.width(), n - first);
        if (width < work.width()) {
            // An attempt that overflowed may have left what is not a number beside the columns that there are.
            work.data()
                    .asSlice(4 * work.at(0, first), 4L * work.rows(strip) * work.width())
                    .fill((byte) 0);
        }
        for (int i = 0; i < Math.min(n, work.rows(strip)); i++) {
            long source = (long) (n - 1 - i) * n + n - 1 - first;
            long target = work.at(i, first);
            for (int c = 0; c < width; c++) {
                work.data().setAtIndex(JAVA_FLOAT, target + c, h.data().getAtIndex(JAVA_FLOAT, source - c));
            }
        }
    }

    /** A group of columns of P·workᵀ·P: element (i, j) is (n − 1 − j, n − 1 − i) of work. */
    private static void mirror(PackedUpper work, int group, PackedUpper upper) {
        int n = work.size();
        int first = group * upper.width();
        int width = Math.min(upper.width(), n - first);
        for (int i = 0, count; i < first; i += count) {
            // As far as the strip of work goes.
            count = Math.min((n - 1 - i) % work.width() + 1, first - i);
            long from = work.at(n - 1 - first, n - 1 - i);
            long to = upper.at(i, first);
            for (int c = 0; c < width; c++) {
                for (int p = 0; p < count; p++) {
                    float value = work.data().getAtIndex(JAVA_FLOAT, from - c * work.width() - p);
                    upper.data().setAtIndex(JAVA_FLOAT, to + p * upper.width() + c, value);
                }
            }
        }
        for (int j = first; j < first + width; j++) {
            for (int i = first; i <= j; i++) {
                upper.data().setAtIndex(JAVA_FLOAT, upper.at(i, j), work.get(n - 1 - j, n - 1 - i));
            }
        }
    }
}
