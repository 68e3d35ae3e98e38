package org.bitscarp.cuda.cublas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.driver.GpuStream;

/**
 * A cuBLAS of this machine called without JCuda, whose binding asks for version 12: for machines that have 13 only. The
 * library stays loaded until the process ends.
 */
public final class ForeignCublas implements Cublas {
    /** {@code CUBLAS_OP_N}, {@code CUBLAS_OP_T}, {@code CUDA_R_32F}, {@code CUBLAS_GEMM_DEFAULT}. */
    private static final int PLAIN = 0;

    private static final int TRANSPOSED = 1;
    private static final int REAL_32F = 0;
    private static final int DEFAULT_ALGORITHM = -1;

    private final String library;
    private final MethodHandle create;
    private final MethodHandle destroy;
    private final MethodHandle setStream;
    private final MethodHandle gemmEx;

    private ForeignCublas(String library, SymbolLookup symbols) {
        this.library = library;
        create = function(symbols, "cublasCreate_v2", ADDRESS);
        destroy = function(symbols, "cublasDestroy_v2", ADDRESS);
        setStream = function(symbols, "cublasSetStream_v2", ADDRESS, ADDRESS);
        gemmEx = function(
                symbols,
                "cublasGemmEx",
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                ADDRESS,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                ADDRESS,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT);
    }

    /**
     * @param library such as {@code libcublas.so.13}
     * @throws IllegalArgumentException when it does not load or lacks a function
     */
    public static ForeignCublas load(String library) {
        return new ForeignCublas(library, SymbolLookup.libraryLookup(library, Arena.global()));
    }

    private static MethodHandle function(SymbolLookup symbols, String name, MemoryLayout... parameters) {
        MemorySegment symbol = symbols.find(name)
                .orElseThrow(() -> new IllegalArgumentException("the library has no function " + name));
        return Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    @Override
    public String description() {
        return "cuBLAS, " + library;
    }

    @Override
    public Handle open(GpuStream stream) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment place = arena.allocate(ADDRESS);
            check("cublasCreate", (int) create.invokeExact(place));
            MemorySegment handle = place.get(ADDRESS, 0);
            check("cublasSetStream", (int) setStream.invokeExact(handle, MemorySegment.ofAddress(stream.handle())));
            return new ForeignHandle(handle);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    private static void check(String function, int status) {
        if (status != 0) {
            throw new GpuException(function + " fails with status " + status);
        }
    }

    private static RuntimeException failed(Throwable e) {
        return e instanceof RuntimeException r ? r : new GpuException("cuBLAS cannot be called: " + e, e);
    }

    private final class ForeignHandle implements Handle {
        private final MemorySegment handle;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
        private final MemorySegment beta = arena.allocate(JAVA_FLOAT);

        ForeignHandle(MemorySegment handle) {
            this.handle = handle;
        }

        @Override
        public void multiply(Product p) {
            beta.set(JAVA_FLOAT, 0, p.beta());
            try {
                check("cublasGemmEx", (int) gemmEx.invokeExact(
                        handle,
                        p.a().transposed() ? TRANSPOSED : PLAIN,
                        p.b().transposed() ? TRANSPOSED : PLAIN,
                        p.m(),
                        p.n(),
                        p.k(),
                        one,
                        MemorySegment.ofAddress(p.a().address()),
                        p.operands().code(),
                        p.a().leading(),
                        MemorySegment.ofAddress(p.b().address()),
                        p.operands().code(),
                        p.b().leading(),
                        beta,
                        MemorySegment.ofAddress(p.c().address()),
                        REAL_32F,
                        p.c().leading(),
                        p.compute().code(),
                        DEFAULT_ALGORITHM));
            } catch (Throwable e) {
                throw failed(e);
            }
        }

        @Override
        public void close() {
            try {
                check("cublasDestroy", (int) destroy.invokeExact(handle));
            } catch (Throwable e) {
                throw failed(e);
            } finally {
                arena.close();
            }
        }
    }
}
