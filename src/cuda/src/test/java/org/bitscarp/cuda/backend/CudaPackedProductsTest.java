package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.PackedTensor;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.compute.check.RandomWeights;
import org.bitscarp.cuda.emulated.EmulatedGpuDriver;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights that stay packed in device memory: who multiplies them, and what decoding them gives. Products: {@code BackendCheck}. */
class CudaPackedProductsTest {
    private static CudaBackend backend(ComputeType compute) {
        return new CudaBackend(new EmulatedGpuDriver(1 << 26, 80, 2), 1 << 26, compute, 1);
    }

    private static boolean multiplies(CudaBackend backend, String words, int rows) {
        return backend.packedProducts()
                .orElseThrow()
                .multiplies(Level.parse(words).format(), 512, rows);
    }

    /**
     * Bytes of reading packed rows once for each eight rows against 8 for a decoded weight, and 64 rows at most: 2-byte weights
     * five times, all others eight times. fp32 has nothing to decode.
     */
    @ParameterizedTest
    @CsvSource({"int4,64", "int8:g32,64", "q2_k,64", "nf4,64", "fp16,40", "bf16,40", "fp32,0"})
    void upToWhichRowsWeightsStayPacked(String words, int most) {
        try (CudaBackend backend = backend(ComputeType.FP32)) {
            for (int rows = 1; rows <= 72; rows++) {
                assertEquals(rows <= most, multiplies(backend, words, rows), words + ", " + rows + " rows");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"FP16", "BF16"})
    void tensorCoresTakeAnyNumberOfRows(ComputeType compute) {
        try (CudaBackend backend = backend(compute)) {
            assertTrue(multiplies(backend, "int4", 2048));
            assertTrue(multiplies(backend, "fp16", 2048));
            assertFalse(multiplies(backend, "fp32", 1));
        }
        try (CudaBackend backend = backend(ComputeType.TF32)) {
            assertFalse(multiplies(backend, "int4", 2048), "tf32 rounds less than 16 bits do");
        }
    }

    @ParameterizedTest
    @CsvSource({"int3:g5", "q4_k", "bf16"})
    void decodesToTheSameBits(String words) {
        try (CudaBackend backend = backend(ComputeType.FP32);
                TensorMemory memory = backend.newMemory();
                Arena arena = Arena.ofConfined()) {
            PackedMatrix packed =
                    RandomWeights.packed(Level.parse(words).format(), 3, 512, new SplittableRandom(4), arena);
            PackedProducts products = backend.packedProducts().orElseThrow();
            int floats = (int) (packed.byteSize() + 3) / 4;
            Tensor room = memory.allocate(2 * floats, 1);
            products.upload(packed, room.slice(0, floats));
            PackedTensor second = products.upload(packed, room.slice(floats, floats));
            Tensor once = memory.allocate(3, 512);
            Tensor again = memory.allocate(3, 512);
            backend.decode(packed, 0, 3, once);
            products.decode(second, again);
            assertEquals(0, backend.squaredDistance(once, again));
            assertTrue(backend.squaredNorm(again) > 100);
            int[] rows = {2, 0, 2, 1, 1};
            Tensor expected = memory.allocate(5, 512);
            Tensor found = memory.allocate(5, 512);
            backend.gatherRows(once, rows, expected);
            products.gatherRows(second, rows, found);
            assertEquals(0, backend.squaredDistance(expected, found));
        }
    }

    @Test
    void wrongOperandsAreRefused() {
        try (CudaBackend backend = backend(ComputeType.FP32);
                TensorMemory memory = backend.newMemory();
                Arena arena = Arena.ofConfined()) {
            PackedMatrix packed =
                    RandomWeights.packed(Level.parse("int4").format(), 3, 128, new SplittableRandom(4), arena);
            PackedProducts products = backend.packedProducts().orElseThrow();
            Tensor small = memory.allocate(1, 8);
            String message = assertThrows(IllegalArgumentException.class, () -> products.upload(packed, small))
                    .getMessage();
            assertTrue(message.contains("32 bytes"), message);
            PackedTensor w = products.upload(packed, memory.allocate(1, 64));
            Tensor x = memory.allocate(2, 127);
            Tensor y = memory.allocate(2, 3);
            message = assertThrows(IllegalArgumentException.class, () -> products.matmul(x, w, y))
                    .getMessage();
            assertTrue(message.contains("[2, 127]") && message.contains("[3, 128]"), message);
            assertThrows(IllegalArgumentException.class, () -> products.decode(w, x));
            assertThrows(IllegalArgumentException.class, () -> products.gatherRows(w, new int[2], x));
            Tensor rows = memory.allocate(1, 128);
            assertThrows(IndexOutOfBoundsException.class, () -> products.gatherRows(w, new int[] {3}, rows));
        }
    }
}
