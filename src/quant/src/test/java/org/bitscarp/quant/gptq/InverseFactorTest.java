package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Workers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InverseFactorTest {
    private final Arena arena = Arena.ofAuto();

    /** Means of x·xᵀ over {@code samples} random inputs whose channels differ in size. */
    private Hessian hessian(int n, int samples, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[][] sums = new double[n][n];
        for (int s = 0; s < samples; s++) {
            double[] x = new double[n];
            double common = random.nextGaussian();
            for (int i = 0; i < n; i++) {
                x[i] = (random.nextGaussian() + common) * (1 + i % 5);
            }
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    sums[i][j] += x[i] * x[j] / samples;
                }
            }
        }
        return of(sums);
    }

    private Hessian of(double[][] values) {
        int n = values.length;
        MemorySegment data = arena.allocate(4L * n * n, 64);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                data.setAtIndex(JAVA_FLOAT, (long) i * n + j, (float) values[i][j]);
            }
        }
        return new Hessian(new DenseMatrix(data, n, n), arena);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 63, 64, 65, 130, 257})
    void theFactorsProductIsTheDampedInverse(int n) {
        Hessian hessian = hessian(n, 2 * n + 5, n);
        InverseFactor factor = hessian.factor(0.01);
        assertEquals(0, factor.raised());
        assertEquals(0, factor.dead());
        DenseMatrix whole = new DenseMatrix(arena.allocate(4L * n * n, 64), n, n);
        factor.upper().unpack(whole);
        // (H + λI)·UᵀU is the identity, in double from the factor in fp32; condition numbers are a few thousand.
        double[][] product = new double[n][n];
        for (int k = 0; k < n; k++) {
            for (int i = k; i < n; i++) {
                for (int j = k; j < n; j++) {
                    product[i][j] += (double) whole.data().getAtIndex(JAVA_FLOAT, (long) k * n + i)
                            * whole.data().getAtIndex(JAVA_FLOAT, (long) k * n + j);
                }
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int k = 0; k < n; k++) {
                    double h = hessian.values().data().getAtIndex(JAVA_FLOAT, (long) i * n + k);
                    sum += (h + (i == k ? factor.lambda() : 0)) * product[k][j];
                }
                assertEquals(i == j ? 1 : 0, sum, 1e-3, "element " + i + ", " + j);
                if (j < i) {
                    assertEquals(0, whole.data().getAtIndex(JAVA_FLOAT, (long) i * n + j));
                }
            }
        }
    }

    /** Pieces in the other order, and on several threads. */
    @ParameterizedTest
    @ValueSource(ints = {1, 64, 200, 390})
    void workersDoNotChangeABit(int n) {
        PackedUpper alone = hessian(n, n, 3).factor(0.01).upper();
        Workers backwards = (count, piece) -> {
            for (int i = count - 1; i >= 0; i--) {
                piece.accept(i);
            }
        };
        Workers threads = (count, piece) -> IntStream.range(0, count).parallel().forEach(piece);
        for (Workers workers : List.of(backwards, threads)) {
            PackedUpper shared = hessian(n, n, 3).factor(0.01, workers).upper();
            assertEquals(-1, alone.data().mismatch(shared.data()));
        }
    }

    /** Each element one chain of fused multiply-adds: what the device's kernels compute too. */
    @ParameterizedTest
    @ValueSource(ints = {5, 128, 131, 300})
    void everyElementIsOneChain(int n) {
        Hessian hessian = hessian(n, n, 8);
        InverseFactor factor = hessian.factor(0.01);
        float[][] r = new float[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                float h = hessian.values().data().getAtIndex(JAVA_FLOAT, (long) (n - 1 - i) * n + n - 1 - j);
                r[i][j] = i == j ? (float) (h + factor.lambda()) : h;
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = n - 1; j >= i; j--) {
                for (int p = 0; p < i; p++) {
                    r[i][j] = Math.fma(-r[p][i], r[p][j], r[i][j]);
                }
            }
            float inverse = (float) (1 / Math.sqrt(r[i][i]));
            for (int j = i; j < n; j++) {
                r[i][j] *= inverse;
            }
        }
        float[][] x = new float[n][n];
        for (int i = n - 1; i >= 0; i--) {
            int end = Math.min(n, (i / 128 + 1) * 128);
            for (int j = i; j < n; j++) {
                // First what lies behind the block of rows, then what lies in it.
                float sum = i == j ? 1 : 0;
                for (int p = end; p <= j; p++) {
                    sum = Math.fma(-r[i][p], x[p][j], sum);
                }
                for (int p = i + 1; p < end; p++) {
                    sum = Math.fma(-r[i][p], x[p][j], sum);
                }
                x[i][j] = sum * (1 / r[i][i]);
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                assertEquals(x[n - 1 - j][n - 1 - i], factor.upper().get(i, j), "element " + i + ", " + j);
            }
        }
    }

    /** One direction only: singular but for the damping. */
    @Test
    void aHessianOfOneDirectionIsDamped() {
        Hessian hessian = hessian(100, 1, 5);
        assertTrue(hessian.factor(0.01).upper().get(0, 0) > 0);
    }

    @Test
    void dampingIsRaisedUntilTheMatrixIsPositiveDefiniteAndCounted() {
        double[][] indefinite = {{1, 3}, {3, 1}};
        InverseFactor factor = of(indefinite).factor(0.01);
        assertEquals(3, factor.raised());
        assertEquals(10, factor.lambda(), 1e-6);
    }

    @Test
    void channelsThatNeverFireAreCountedAndDoNotDisturb() {
        double[][] dead = {{2, 0, 0.5}, {0, 0, 0}, {0.5, 0, 1}};
        InverseFactor factor = of(dead).factor(0.01);
        assertEquals(1, factor.dead());
        assertEquals(0, factor.raised());
        assertEquals(0, factor.upper().get(0, 1));
        assertEquals(0, factor.upper().get(1, 2));
    }

    @Test
    void valuesThatAreNotFiniteAreRefused() {
        double[][] nan = {{1, Double.NaN}, {Double.NaN, 1}};
        assertThrows(IllegalStateException.class, () -> of(nan).factor(0.01));
    }
}
