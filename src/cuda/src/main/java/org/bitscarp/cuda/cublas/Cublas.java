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

    /** cuBLAS on one stream. */
    interface Handle extends AutoCloseable {
        /**
         * c = op(a)·op(b) + beta·c with c in fp32, {@code cublasGemmEx}.
         *
         * @param transposeA whether op(a) is aᵀ
         * @param m rows of op(a) and c
         * @param n columns of op(b) and c
         * @param k columns of op(a), rows of op(b)
         * @param a device address
         * @param lda leading dimension
         * @param operands how a and b are stored
         * @param compute arithmetic, see {@link Arithmetic}
         */
        void multiply(
                boolean transposeA,
                boolean transposeB,
                int m,
                int n,
                int k,
                long a,
                int lda,
                long b,
                int ldb,
                float beta,
                long c,
                int ldc,
                Storage operands,
                Arithmetic compute);

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
