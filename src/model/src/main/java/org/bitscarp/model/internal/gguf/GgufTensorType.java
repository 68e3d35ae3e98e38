package org.bitscarp.model.internal.gguf;

import java.util.List;
import java.util.Optional;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredFormat;

/**
 * The tensor types of GGUF: number in the file, values and bytes of a block ({@code ggml_type} in llama.cpp's
 * {@code ggml.h}, sizes from {@code ggml-common.h}).
 */
enum GgufTensorType {
    F32(0, NumberFormat.FP32),
    F16(1, NumberFormat.FP16),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q8_1(9, 32, 36),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, 32, 18),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, NumberFormat.FP64),
    IQ1_M(29, 256, 56),
    BF16(30, NumberFormat.BF16),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    MXFP4(39, 32, 17),
    NVFP4(40, 64, 36),
    Q1_0(41, 128, 18),
    Q2_0(42, 64, 18);

    private final int id;
    private final int blockLength;
    private final int blockBytes;
    private final StoredFormat format;

    GgufTensorType(int id, NumberFormat format) {
        this.id = id;
        this.blockLength = 1;
        this.blockBytes = format.bytes();
        this.format = format;
    }

    GgufTensorType(int id, int blockLength, int blockBytes) {
        this.id = id;
        this.blockLength = blockLength;
        this.blockBytes = blockBytes;
        this.format = null;
    }

    int id() {
        return id;
    }

    /** Values of a block; rows are a multiple of it. */
    int blockLength() {
        return blockLength;
    }

    int blockBytes() {
        return blockBytes;
    }

    /** How to read it as numbers; empty for integers and for types that cannot be decoded here. */
    Optional<StoredFormat> format() {
        return Optional.ofNullable(format);
    }

    /** Integers, which some exporters put beside the weights. */
    boolean integer() {
        return id >= I8.id && id <= I64.id;
    }

    static Optional<GgufTensorType> of(int id) {
        for (GgufTensorType type : values()) {
            if (type.id == id) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /**
     * Bytes of a tensor.
     *
     * @param shape outermost first
     * @throws ArithmeticException where rows are no whole number of blocks or the size passes 2^63 − 1
     */
    long bytes(List<Long> shape) {
        long rowLength = shape.isEmpty() ? 1 : shape.getLast();
        if (rowLength % blockLength != 0) {
            throw new ArithmeticException("rows of " + rowLength + " are not a whole number of blocks of " + blockLength);
        }
        if (shape.contains(0L)) {
            return 0;
        }
        long values = shape.stream().reduce(1L, Math::multiplyExact);
        return Math.multiplyExact(values / blockLength, (long) blockBytes);
    }
}
