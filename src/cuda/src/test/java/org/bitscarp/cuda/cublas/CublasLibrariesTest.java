package org.bitscarp.cuda.cublas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What can be said of cuBLAS on a machine without it; products are compared where there is a GPU. */
class CublasLibrariesTest {
    @Test
    void eitherALibraryOrTheReasonForEachVersion() {
        CublasLibraries libraries = CublasLibraries.look();
        boolean reasons = libraries.reason().contains("cuBLAS 12: ")
                && libraries.reason().contains("; cuBLAS 13: ")
                && libraries.reason().contains("libcublas");
        assertEquals(libraries.found().isEmpty(), reasons, libraries.toString());
    }

    @Test
    void aLibraryThatIsNotCublasIsRefusedByTheFunctionItLacks() {
        String message = assertThrows(IllegalArgumentException.class, () -> ForeignCublas.load("libm.so.6"))
                .getMessage();
        assertTrue(message.contains("cublasCreate_v2"), message);
    }

    @Test
    void arithmeticIsTheLibrarysOwnNumber() {
        assertEquals(jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F, Cublas.Arithmetic.FP32.code());
        assertEquals(jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16F, Cublas.Arithmetic.FP16.code());
        assertEquals(jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16BF, Cublas.Arithmetic.BF16.code());
        assertEquals(jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32, Cublas.Arithmetic.TF32.code());
    }
}
