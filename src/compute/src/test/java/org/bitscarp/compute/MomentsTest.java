package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Second moments on the CPU in bf16, and sums that are compensated. */
class MomentsTest {
    private static Backend bf16() {
        try {
            return CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1, Optional.of(MomentPrecision.BF16));
        } catch (IllegalStateException e) {
            System.out.println("SKIPPED: " + e.getMessage());
            return Assumptions.abort(e.getMessage());
        }
    }

    /** Inputs of about size 1, about a third of them exact in bf16. */
    private static float[] inputs(int count) {
        SplittableRandom random = new SplittableRandom(count);
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = i % 3 == 0 ? random.nextInt(-8, 9) / 4f : (float) random.nextGaussian();
        }
        return x;
    }

    private static double rounded(float value) {
        int bits = Float.floatToRawIntBits(value);
        return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
    }

    /** Panels of one row, of many blocks, at an odd place, with and without columns to their right. */
    @ParameterizedTest
    @CsvSource({"1,1,0,1", "5,7,0,7", "33,40,0,40", "300,129,64,65", "7,200,130,3", "2048,65,1,64", "64,700,37,600"})
    void areThoseOfRoundedInputs(int rows, int columns, int first, int count) {
        float[] x = inputs(rows * columns);
        float[] found = new float[columns * columns];
        try (Backend backend = bf16();
                TensorMemory memory = backend.newMemory()) {
            assertEquals(MomentPrecision.BF16, backend.moments());
            Tensor inputs = memory.allocate(rows, columns);
            Tensor sums = memory.allocate(columns, columns);
            backend.upload(MemorySegment.ofArray(x), inputs);
            Arrays.fill(found, 3);
            backend.upload(MemorySegment.ofArray(found), sums);
            try (OuterProducts products = backend.outerProducts(inputs)) {
                products.add(first, count, sums);
            }
            backend.download(sums, MemorySegment.ofArray(found));
        }
        // As many roundings as products, of running values of about √rows, inputs being within ±4.
        double tolerance = (rows + 3) * Math.ulp(1f) / 2 * 16 * Math.sqrt(rows);
        for (int i = 0; i < columns; i++) {
            boolean within = i >= first && i < first + count;
            for (int j = within ? i : 0; j < columns; j++) {
                double sum = 3;
                for (int row = 0; within && row < rows; row++) {
                    sum += rounded(x[row * columns + i]) * rounded(x[row * columns + j]);
                }
                double error = Math.abs(sum - found[i * columns + j]);
                assertTrue(error <= (within ? tolerance : 0), i + ", " + j + ": off by " + error);
            }
        }
    }

    @Test
    void compensatedSumsKeepWhatFp32Drops() {
        int n = 37;
        int times = 1000;
        float[] part = inputs(n * n);
        double[] exact = new double[n * n];
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1);
                TensorMemory memory = backend.newMemory();
                Arena arena = Arena.ofConfined()) {
            Tensor sums = memory.allocate(n, n);
            Tensor low = memory.allocate(n, n);
            Tensor plain = memory.allocate(n, n);
            Tensor addend = memory.allocate(n, n);
            MemorySegment values = arena.allocateFrom(JAVA_FLOAT, part);
            for (int i = 0; i < times; i++) {
                backend.upload(values, addend);
                backend.add(plain, addend);
                backend.addCompensated(addend, 0, n, sums, low);
                for (int j = 0; j < exact.length; j++) {
                    exact[j] += part[j];
                }
            }
            backend.add(sums, low);
            double compensated = worst(backend, sums, exact);
            double without = worst(backend, plain, exact);
            assertTrue(compensated <= Math.ulp(1f) / 2, "compensated " + compensated);
            assertTrue(without > 16 * compensated, "without " + without + ", compensated " + compensated);
        }
    }

    private static double worst(Backend backend, Tensor sums, double[] exact) {
        float[] found = new float[exact.length];
        backend.download(sums, MemorySegment.ofArray(found));
        double worst = 0;
        for (int i = 0; i < found.length; i++) {
            double relative = exact[i] == 0 ? Math.abs(found[i]) : Math.abs(found[i] / exact[i] - 1);
            worst = Math.max(worst, relative);
        }
        return worst;
    }

    @Test
    void withoutLibrariesTheyAreInFp32() {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1, Optional.empty())) {
            assertEquals(MomentPrecision.FP32, backend.moments());
            assertEquals("fp32", backend.momentsDescription());
        }
    }

    @Test
    void thePreferredOnesSayWhatTheyAre() {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1, Optional.empty())) {
            String expected =
                    backend.moments() == MomentPrecision.BF16 ? "bf16 by oneDNN 3\\.\\d+\\.\\d+" : "fp32 \\(.+\\)";
            assertTrue(backend.momentsDescription().matches(expected), backend.momentsDescription());
            assertNotEquals(MomentPrecision.COMPENSATED, backend.moments());
        }
    }

    @Test
    void panelsOutsideTheMatrixAreRefused() {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1);
                TensorMemory memory = backend.newMemory()) {
            Tensor square = memory.allocate(4, 4);
            Tensor other = memory.allocate(4, 5);
            assertThrows(IndexOutOfBoundsException.class, () -> backend.addCompensated(square, 2, 3, square, square));
            assertThrows(IllegalArgumentException.class, () -> backend.addCompensated(square, 0, 4, square, other));
        }
    }
}
