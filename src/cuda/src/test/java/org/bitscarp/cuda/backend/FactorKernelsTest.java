package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.gptq.Damping;
import org.bitscarp.quant.gptq.Hessian;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Factors of damped inverse Hessians: fast kernels against slow ones to the bit, and GPTQ whole against the CPU's. */
class FactorKernelsTest {
    private static final long SEED = 1963;
    private static final double SHARE = 0.01;
    private static final KernelBed BED = new KernelBed(80);

    @AfterAll
    static void nothingLeaks() {
        BED.close();
    }

    private static Damping factor(DeviceTensor sums, int samples, DeviceTensor upper) {
        FactorKernels kernels = new FactorKernels(BED.launcher);
        float[] diagonal = kernels.diagonal(BED.lane, sums, samples);
        return kernels.factor(BED.lane, sums, samples, diagonal, SHARE, null, upper);
    }

    /** What {@code HessianSums} makes of them on the host. */
    private static Hessian mean(float[] sums, int n, int samples) {
        MemorySegment values = Arena.ofAuto().allocate(4L * n * n, 64);
        float scale = (float) (1.0 / samples);
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                values.setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * n + j, sums[i * n + j] * scale);
                values.setAtIndex(ValueLayout.JAVA_FLOAT, (long) j * n + i, sums[i * n + j] * scale);
            }
        }
        return new Hessian(new DenseMatrix(values, n, n), Arena.ofAuto());
    }

    private static float[] upper(float[] a, int n) {
        float[] upper = a.clone();
        for (int i = 0; i < n; i++) {
            Arrays.fill(upper, i * n, i * n + i, 0);
        }
        return upper;
    }

    @ParameterizedTest
    @CsvSource({"1, 99", "7, 99", "63, 99", "64, 99", "65, 99", "130, 99", "193, 1"})
    void blocksGiveTheBitsOfOneThread(int n, int largeFrom) {
        float[] a = KernelBed.sums(n, n + 9, false);
        FactorKernels kernels = new FactorKernels(BED.launcher, largeFrom);
        DeviceTensor fast = BED.tensor(n, n, a);
        assertTrue(kernels.cholesky(BED.lane, fast));
        DeviceTensor slow = BED.tensor(n, n, a);
        DeviceTensor failed = BED.tensor(1, 1);
        BED.launcher
                .call(BED.lane, "cholesky", "cholesky_naive")
                .writes(slow)
                .integer(n)
                .writes(failed)
                .launch(Grid.of(1), 1);
        assertEquals(0, BED.values(failed)[0]);
        assertArrayEquals(upper(BED.values(slow), n), upper(BED.values(fast), n));

        kernels.invert(BED.lane, fast);
        BED.launcher
                .call(BED.lane, "cholesky", "invert_naive")
                .writes(slow)
                .writes(BED.tensor(1, n))
                .integer(n)
                .launch(Grid.of(1), 1);
        assertArrayEquals(upper(BED.values(slow), n), upper(BED.values(fast), n));
    }

    /** Against the definition, in double: (H + λI)·UᵀU is the identity. */
    @ParameterizedTest
    @ValueSource(ints = {1, 33, 64, 101})
    void theFactorsProductIsTheDampedInverse(int n) {
        int samples = 2 * n + 5;
        float[] sums = KernelBed.sums(n, samples, false);
        DeviceTensor factor = BED.tensor(n, n);
        Damping damping = factor(BED.tensor(n, n, sums), samples, factor);
        assertEquals(0, damping.raised() + damping.dead());
        float[] u = BED.values(factor);
        float scale = (float) (1.0 / samples);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int k = 0; k < n; k++) {
                    double h = sums[Math.min(i, k) * n + Math.max(i, k)] * scale + (i == k ? damping.lambda() : 0);
                    for (int p = 0; p <= Math.min(k, j); p++) {
                        sum += h * u[p * n + k] * u[p * n + j];
                    }
                }
                // Condition numbers are a few thousand, fp32 has 6e-8.
                assertEquals(i == j ? 1 : 0, sum, 1e-3, "element " + i + ", " + j);
                assertTrue(j >= i || u[i * n + j] == 0, "zero below the diagonal");
            }
        }
    }

    @Test
    void dampingIsRaisedUntilTheMatrixIsPositiveDefinite() {
        DeviceTensor indefinite = BED.tensor(2, 2, new float[] {1, 3, 0, 1});
        Damping damping = factor(indefinite, 1, BED.tensor(2, 2));
        assertEquals(3, damping.raised());
        assertEquals(10, damping.lambda(), 1e-6);
        DeviceTensor nan = BED.tensor(2, 2, new float[] {1, Float.NaN, 0, 1});
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> factor(nan, 1, BED.tensor(2, 2)));
        assertTrue(e.getMessage().contains("not finite"), e.getMessage());
    }

    /** From the same sums, bytes and counts are the CPU's: both are the same chain of roundings. */
    @ParameterizedTest
    @CsvSource({
        "int4:g32:gptq-published, 5, 64, false",
        "int3:sym:gptq-published, 7, 300, false",
        "int2:g16:gptq-published, 3, 129, true",
        "int4:row:gptq-published, 9, 33, true",
        "int3:g20:gptq-published, 3, 150, false",
        "int4:g5:gptq-published, 2, 37, true",
        "int4:g32:gptq-actorder, 6, 129, true",
        "int3:g24:sym:gptq-actorder, 3, 65, false",
        "int4:gptq, 7, 129, false",
        "int2:g32:gptq, 5, 100, true",
        "int3:g20:gptq, 3, 150, false",
        "int3:sym:gptq, 9, 33, true",
        "int4:row:gptq, 2, 140, false",
        "int8:g5:gptq, 2, 31, true",
        "int2:g64:sym:gptq-sequential, 33, 64, false",
        "int5:gptq, 1, 1, false",
        "nf4:gptq-published, 3, 130, true",
        "nf4:g24:gptq-actorder, 2, 65, false",
        "ternary:g32:gptq-published, 3, 100, false",
        "ternary:row:gptq-actorder, 2, 33, true",
        "q4_0:gptq-published, 5, 160, false",
        "q5_0:gptq-published, 2, 64, true",
        "q4_1:gptq-published, 3, 96, false",
        "q5_1:gptq-actorder, 2, 64, true",
        "q8_0:gptq-published, 2, 64, false",
        "q2_0:gptq-published, 3, 128, true",
        "q1_0:gptq-published, 2, 128, false",
        "tq1_0:gptq-published, 2, 256, false",
        "tq2_0:gptq-actorder, 2, 256, true",
        "iq4_nl:gptq-published, 3, 96, false",
        "mxfp4:gptq-published, 3, 160, false",
        "nvfp4:gptq-published, 2, 192, true",
        "nvfp4:gptq-actorder, 2, 64, false",
        "q2_k:gptq-published, 3, 256, true",
        "q3_k:gptq-published, 2, 512, false",
        "q4_k:gptq-published, 3, 256, false",
        "q5_k:gptq-actorder, 2, 256, true",
        "q6_k:gptq-published, 5, 256, false",
        "q3_k:gptq-actorder, 1, 256, false",
        "iq4_xs:gptq-published, 2, 512, true"
    })
    void gptqGivesTheCpusBytes(String text, int rows, int n, boolean dead) {
        Level level = Level.parse(text);
        int samples = n + 20;
        float[] sums = KernelBed.sums(n, samples, dead);
        float[] w = KernelBed.random(rows * n, new SplittableRandom(SEED));
        w[n / 2] = Float.NaN;
        // Scales that become 0, beside others that do not.
        for (int i = 0; i < Math.min(n, 40); i++) {
            w[(rows - 1) * n + i] *= rows > 2 ? 1e-9f : 1;
        }
        Hessian hessian = mean(sums, n, samples);
        PackedMatrix expected = PackedMatrix.allocate(level.format(), rows, n, Arena.ofAuto());
        SolveStats stats = new SolveStats();
        level.solver()
                .prepare(
                        new DenseMatrix(MemorySegment.ofArray(w), rows, n),
                        new InputStatistics(hessian.meanSquares(), hessian),
                        expected)
                .solve(0, rows, stats);

        CudaQuantizer quantizer = new CudaQuantizer(BED.launcher, BED::memory);
        assertTrue(quantizer.supports(level.solver(), level.format(), n));
        DeviceTensor target = BED.tensor(rows, n);
        PackedMatrix packed = PackedMatrix.allocate(level.format(), rows, n, Arena.ofAuto());
        try (DeviceMoments moments = quantizer.moments(BED.tensor(n, n, sums), samples)) {
            SolveStats found = quantizer.quantize(
                    new DeviceQuantizer.Job(
                            level.solver(),
                            level.format(),
                            BED.tensor(rows, n, w),
                            hessian.meanSquares(),
                            moments,
                            rows),
                    packed,
                    target);
            assertArrayEquals(
                    expected.bytes().toArray(ValueLayout.JAVA_BYTE),
                    packed.bytes().toArray(ValueLayout.JAVA_BYTE));
            assertEquals(stats.squaredError, found.squaredError);
            assertEquals(stats.fallbacks, found.fallbacks);
            assertEquals(1, found.nonfinite);
            assertTrue(!dead || stats.fallbacks >= n / 17, stats.fallbacks + " fallbacks");
        }
    }
}
