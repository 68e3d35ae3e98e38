package org.bitscarp.cuda.backend;

import java.util.Locale;

/** Types of dense values in device memory; the numbers are those of {@code numbers.cuh}. */
enum DenseType {
    FP32(0, 4),
    FP16(1, 2),
    BF16(2, 2),
    /** fp32 numbers whose lower 13 bits are zero. */
    TF32(3, 4);

    /** Bytes that tensor cores take of a row at a time. */
    static final int CHUNK = 16;

    final int code;
    final int bytes;

    DenseType(int code, int bytes) {
        this.code = code;
        this.bytes = bytes;
    }

    /** As users write it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Chunks of a row of {@code columns} values. */
    int chunks(int columns) {
        return (int) (((long) columns * bytes + CHUNK - 1) / CHUNK);
    }

    /** Values of a row that is padded to whole chunks. */
    int padded(int columns) {
        return chunks(columns) * (CHUNK / bytes);
    }
}
