package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/**
 * The one product of oneDNN that is wanted here, {@code dnnl_gemm_bf16bf16f32}, on the calling thread.
 *
 * <p>The library lies in a jar of its own and is called through its C interface (oneDNN 3.13, {@code oneapi/dnnl/dnnl.h}); the
 * classes that JavaCPP has for it are of another version of JavaCPP than nd4j's. JavaCPP keeps the file in its cache.
 */
final class OneDnn {
    private static final String FOLDER = "/org/bytedeco/dnnl/" + Loader.getPlatform() + "/";
    private static final String LIBRARY = "libdnnl.so.3";
    /** Linux's word for it, among the flags of a processor; CPUs with AMX have it too. */
    private static final String FLAG = " avx512_bf16";
    /** Bit of {@code dnnl_cpu_isa_t} that AVX512_BF16 and all that includes it have. */
    private static final int BF16 = 0x80;

    private static final byte TRANSPOSED = 'T';
    private static final byte PLAIN = 'N';

    private final MethodHandle setThreads;
    private final MethodHandle gemm;
    private final String version;

    private OneDnn(SymbolLookup openMp, SymbolLookup library) throws Throwable {
        setThreads = handle(openMp, "omp_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT));
        gemm = handle(library, "dnnl_gemm_bf16bf16f32", FunctionDescriptor.of(JAVA_INT, new MemoryLayout[] {
            JAVA_BYTE,
            JAVA_BYTE,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_FLOAT,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            JAVA_LONG,
            JAVA_FLOAT,
            ADDRESS,
            JAVA_LONG
        }));
        int isa = (int) handle(library, "dnnl_get_effective_cpu_isa", FunctionDescriptor.of(JAVA_INT))
                .invokeExact();
        if ((isa & BF16) == 0) {
            throw noBf16();
        }
        MemorySegment numbers = ((MemorySegment) handle(library, "dnnl_version", FunctionDescriptor.of(ADDRESS))
                        .invokeExact())
                .reinterpret(3 * JAVA_INT.byteSize());
        version = numbers.getAtIndex(JAVA_INT, 0) + "." + numbers.getAtIndex(JAVA_INT, 1) + "."
                + numbers.getAtIndex(JAVA_INT, 2);
    }

    private static UnsatisfiedLinkError noBf16() {
        return new UnsatisfiedLinkError("this CPU has no bf16 products (AVX512_BF16 or AMX)");
    }

    private static MethodHandle handle(SymbolLookup library, String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), type);
    }

    /**
     * Loads the library.
     *
     * @throws LinkageError when there is none for this platform, it cannot be loaded, or this CPU does not multiply bf16
     */
    static OneDnn load() {
        try {
            try (InputStream packed = OneDnn.class.getResourceAsStream(FOLDER + LIBRARY)) {
                if (packed == null) {
                    throw new UnsatisfiedLinkError("oneDNN is not among this program's libraries");
                }
            }
            // Before 93 MB are unpacked for nothing.
            if (!Files.readString(Path.of("/proc/cpuinfo")).contains(FLAG)) {
                throw noBf16();
            }
            // Beside each other: the library looks for OpenMP's in its own folder.
            SymbolLookup openMp = open("libgomp.so.1");
            return new OneDnn(openMp, open(LIBRARY));
        } catch (LinkageError e) {
            throw e;
        } catch (Throwable e) {
            throw (LinkageError) new UnsatisfiedLinkError("oneDNN does not load: " + e.getMessage()).initCause(e);
        }
    }

    private static SymbolLookup open(String name) throws IOException {
        File file = Loader.cacheResource(OneDnn.class, FOLDER + name);
        if (file == null) {
            throw new IOException("no folder to unpack " + name + " into");
        }
        return SymbolLookup.libraryLookup(file.toPath(), Arena.global());
    }

    String version() {
        return version;
    }

    /**
     * y += xᵀ·w, all row by row.
     *
     * @param x [k, m] in bf16
     * @param w [k, n] in bf16
     * @param y [m, n] in fp32
     * @param stride elements from one row to the next, of all three
     */
    void addTransposed(int m, int n, int k, MemorySegment x, MemorySegment w, MemorySegment y, int stride) {
        int status;
        try {
            // Of the calling thread only. Whoever calls is one of several lanes already.
            setThreads.invokeExact(1);
            status = (int) gemm.invokeExact(
                    TRANSPOSED,
                    PLAIN,
                    (long) m,
                    (long) n,
                    (long) k,
                    1f,
                    x,
                    (long) stride,
                    w,
                    (long) stride,
                    1f,
                    y,
                    (long) stride);
        } catch (Throwable e) {
            throw new IllegalStateException("oneDNN's product of bf16 matrices", e);
        }
        if (status != 0) {
            throw new IllegalStateException("oneDNN's product of bf16 matrices failed with status " + status
                    + (status == 1 ? ", out of memory" : ""));
        }
    }
}
