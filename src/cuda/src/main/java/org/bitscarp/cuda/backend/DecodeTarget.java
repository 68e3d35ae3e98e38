package org.bitscarp.cuda.backend;

/** What {@code decode_*} kernels write; the numbers are those of {@code decode.cuh}. */
enum DecodeTarget {
    FP32(0, 4),
    FP16(1, 2),
    BF16(2, 2);

    final int code;
    final int bytes;

    DecodeTarget(int code, int bytes) {
        this.code = code;
        this.bytes = bytes;
    }
}
