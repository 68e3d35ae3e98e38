package org.bitscarp.cuda.cublas;

import org.bitscarp.cuda.driver.GpuStream;

/**
 * The part of cuBLAS that is used: one handle for each stream, as reproducible results need (cuBLAS manual, section 2.1.4),
 * and one product. Matrices are column-major as the library has them.
 */
public interface Cublas {
    /** For reports, such as {@code cuBLAS 12.0 through JCublas}. */
    String description();

    /** A handle whose work goes to a stream. The stream's context must be current on this thread. */
    Handle open(GpuStream stream);

    /**
     * A column-major matrix on the device.
     *
     * @param address device address
     * @param leading elements from one column to the next
     * @param transposed whether the product reads its transpose
     */
    record Matrix(long address, int leading, boolean transposed) {
        /** A matrix as it lies there. */
        public static Matrix plain(long address, int leading) {
            return new Matrix(address, leading, false);
        }

        /** The transpose of what lies there. */
        public static Matrix transpose(long address, int leading) {
            return new Matrix(address, leading, true);
        }
    }

    /**
     * What c = a·b + beta·c is, with c in fp32.
     *
     * @param m rows of a and c
     * @param n columns of b and c
     * @param k columns of a, rows of b
     * @param c never transposed
     * @param operands how a and b are stored
     * @param compute arithmetic, see {@link Arithmetic}
     */
    record Product(
            int m, int n, int k, Matrix a, Matrix b, float beta, Matrix c, Storage operands, Arithmetic compute) {}

    /** cuBLAS on one stream. */
    interface Handle extends AutoCloseable {
        /** Computes a product, {@code cublasGemmEx}. */
        void multiply(Product product);

        @Override
        void close();
    }

    /** {@code cudaDataType_t} of operands; what they are rounded to already is multiplied with {@link Arithmetic#FP32}. */
    enum Storage {
        FP32(0),
        BF16(14);

        private final int code;

        Storage(int code) {
            this.code = code;
        }

        public int code() {
            return code;
        }
    }

    /** {@code cublasComputeType_t}: how operands in fp32 are multiplied; sums are in fp32. */
    enum Arithmetic {
        FP32(68),
        FP16(74),
        BF16(75),
        TF32(77);

        private final int code;

        Arithmetic(int code) {
            this.code = code;
        }

        public int code() {
            return code;
        }
    }
}
