package org.bitscarp.compute.internal;

import java.lang.foreign.MemorySegment;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * {@code cblas_sgemm} and {@code cblas_ssyrk} of the OpenBLAS that nd4j-native brings, called on our memory as it lies.
 *
 * <p>nd4j's own arrays end in exactly these calls. Going there directly saves loading its 320 MB native library (about two
 * seconds per start) and every copy. One BLAS thread per caller: results then do not depend on the number of lanes, and
 * whole windows in parallel scale better than one product split in two.
 */
public final class OpenBlasGemm implements Gemm {
    private static final int ROW_MAJOR = 101;
    private static final int NO_TRANSPOSE = 111;
    private static final int TRANSPOSE = 112;
    private static final int UPPER = 121;

    private OpenBlasGemm() {
        openblas_nolapack.blas_set_num_threads(1);
    }

    /**
     * Loads the native library.
     *
     * @throws LinkageError when there is none for this platform or it cannot be loaded
     */
    public static OpenBlasGemm load() {
        return new OpenBlasGemm();
    }

    @Override
    public String name() {
        return "OpenBLAS " + openblasVersion();
    }

    private static String openblasVersion() {
        String version = openblas_nolapack.class.getPackage().getImplementationVersion();
        return version == null ? "" : version.replaceFirst("-.*", "");
    }

    @Override
    public void multiply(int m, int n, int k, Panel x, Panel w, boolean transposed, Panel y) {
        sgemm(NO_TRANSPOSE, transposed ? TRANSPOSE : NO_TRANSPOSE, m, n, k, x, w, 0, y);
    }

    @Override
    public void addTransposed(int m, int n, int k, Panel x, Panel w, Panel y) {
        sgemm(TRANSPOSE, NO_TRANSPOSE, m, n, k, x, w, 1, y);
    }

    @Override
    public void addSquare(int m, int k, Panel x, Panel y) {
        openblas_nolapack.cblas_ssyrk(
                ROW_MAJOR, UPPER, TRANSPOSE, m, k, 1, new Address(x), x.stride(), 1, new Address(y), y.stride());
    }

    private static void sgemm(int forX, int forW, int m, int n, int k, Panel x, Panel w, float beta, Panel y) {
        openblas_nolapack.cblas_sgemm(
                ROW_MAJOR,
                forX,
                forW,
                m,
                n,
                k,
                1,
                new Address(x),
                x.stride(),
                new Address(w),
                w.stride(),
                beta,
                new Address(y),
                y.stride());
    }

    /** A JavaCPP pointer to memory that a {@link MemorySegment} owns; nothing is copied or freed. */
    private static final class Address extends FloatPointer {
        Address(Panel panel) {
            super((Pointer) null);
            address = panel.data().address() + 4 * panel.at();
        }
    }
}
