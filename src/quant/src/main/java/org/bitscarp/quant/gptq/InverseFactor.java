package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.bitscarp.quant.DenseMatrix;

/**
 * U, upper triangular, with (H + λI)⁻¹ = UᵀU: what GPTQ's column loop reads (arXiv 2210.17323, section 3.3, step 3). The
 * reference code inverts H and factors the inverse, 4/3·n³ operations. Here H is factored from its last channel to its
 * first and the factor inverted, which is the same matrix after 2/3·n³: with P reversing the order and PHP = RᵀR, the
 * inverse of H is (PR⁻ᵀP)ᵀ(PR⁻ᵀP).
 *
 * @param upper [n, n]; zero below the diagonal
 * @param lambda what was added to the diagonal
 * @param raised how often damping had to be raised before the matrix was positive definite
 * @param dead channels without any activation, whose diagonal was set to the mean
 */
record InverseFactor(DenseMatrix upper, double lambda, int raised, int dead) {
    static InverseFactor of(Hessian hessian, double damping, SegmentAllocator memory) {
        int n = hessian.size();
        float[] diagonal = new float[n];
        for (int i = 0; i < n; i++) {
            diagonal[i] = hessian.diagonal(i);
        }
        DenseMatrix work = new DenseMatrix(memory.allocate(4L * n * n, 64), n, n);
        Damping found = Damping.raiseUntil(diagonal, damping, tried -> {
            reverse(hessian, tried.lambda(), tried.unit(), work);
            return Cholesky.factor(work);
        });
        Cholesky.invertUpper(work);
        mirror(work);
        return new InverseFactor(work, found.lambda(), found.raised(), found.dead());
    }

    /** work = P(H + λI)P, with the mean on the diagonal of dead channels. */
    private static void reverse(Hessian hessian, double lambda, double unit, DenseMatrix work) {
        int n = hessian.size();
        MemorySegment from = hessian.values().data();
        for (int i = 0; i < n; i++) {
            long source = (long) (n - 1 - i) * n + n - 1;
            long target = (long) i * n;
            for (int j = 0; j < n; j++) {
                work.data().setAtIndex(JAVA_FLOAT, target + j, from.getAtIndex(JAVA_FLOAT, source - j));
            }
            float diagonal = hessian.diagonal(n - 1 - i);
            work.data().setAtIndex(JAVA_FLOAT, target + i, (float) ((diagonal > 0 ? diagonal : unit) + lambda));
        }
    }

    /** work = P·workᵀ·P, in place: element (i, j) changes places with (n − 1 − j, n − 1 − i). */
    private static void mirror(DenseMatrix work) {
        int n = work.rows();
        MemorySegment s = work.data();
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n - 1 - i; j++) {
                long a = (long) i * n + j;
                long b = (long) (n - 1 - j) * n + n - 1 - i;
                float x = s.getAtIndex(JAVA_FLOAT, a);
                s.setAtIndex(JAVA_FLOAT, a, s.getAtIndex(JAVA_FLOAT, b));
                s.setAtIndex(JAVA_FLOAT, b, x);
            }
        }
        for (int i = 1; i < n; i++) {
            s.asSlice(4L * i * n, 4L * i).fill((byte) 0);
        }
    }
}
