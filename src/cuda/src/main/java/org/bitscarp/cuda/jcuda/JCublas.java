package org.bitscarp.cuda.jcuda;

import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.runtime.cudaStream_t;
import org.bitscarp.cuda.cublas.Cublas;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.driver.GpuStream;

/** cuBLAS 12 through JCuda's binding, which has no other version. */
public final class JCublas implements Cublas {
    /** {@code CUBLAS_OP_N}, {@code CUBLAS_OP_T}, {@code CUDA_R_32F}, {@code CUBLAS_GEMM_DEFAULT}. */
    private static final int PLAIN = 0;

    private static final int TRANSPOSED = 1;
    private static final int REAL_32F = 0;
    private static final int DEFAULT_ALGORITHM = -1;

    private JCublas() {}

    /** @throws LinkageError when the binding or {@code libcublas.so.12} does not load */
    public static JCublas load() {
        PrivateExtraction.run(JCublas2::initialize);
        JCublas2.setExceptionsEnabled(true);
        return new JCublas();
    }

    @Override
    public String description() {
        return "cuBLAS 12 through JCublas";
    }

    @Override
    public Handle open(GpuStream stream) {
        cublasHandle handle = new cublasHandle();
        run("opening cuBLAS", () -> {
            JCublas2.cublasCreate(handle);
            JCublas2.cublasSetStream(handle, new cudaStream_t(((JCudaStream) stream).stream()));
        });
        return new JCublasHandle(handle);
    }

    private static void run(String what, Runnable call) {
        try {
            call.run();
        } catch (CudaException e) {
            throw new GpuException(what + ": " + Calls.status(e), e);
        }
    }

    private record JCublasHandle(cublasHandle handle) implements Handle {
        @Override
        public void multiply(Product p) {
            run(
                    "product of cuBLAS",
                    () -> JCublas2.cublasGemmEx_new(
                            handle,
                            p.a().transposed() ? TRANSPOSED : PLAIN,
                            p.b().transposed() ? TRANSPOSED : PLAIN,
                            p.m(),
                            p.n(),
                            p.k(),
                            Pointer.to(new float[] {1}),
                            Calls.device(p.a().address()),
                            p.operands().code(),
                            p.a().leading(),
                            Calls.device(p.b().address()),
                            p.operands().code(),
                            p.b().leading(),
                            Pointer.to(new float[] {p.beta()}),
                            Calls.device(p.c().address()),
                            REAL_32F,
                            p.c().leading(),
                            p.compute().code(),
                            DEFAULT_ALGORITHM));
        }

        @Override
        public void close() {
            run("closing cuBLAS", () -> JCublas2.cublasDestroy(handle));
        }
    }
}
