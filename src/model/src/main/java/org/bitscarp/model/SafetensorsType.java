package org.bitscarp.model;

import java.util.List;
import java.util.Optional;
import org.bitscarp.quant.NumberFormat;

/** The element types of the safetensors format, under their names in the file. */
public enum SafetensorsType {
    F64(64, NumberFormat.FP64),
    F32(32, NumberFormat.FP32),
    F16(16, NumberFormat.FP16),
    BF16(16, NumberFormat.BF16),
    F8_E4M3(8, NumberFormat.FP8_E4M3),
    F8_E5M2(8, NumberFormat.FP8_E5M2),
    F8_E8M0(8, null),
    F6_E2M3(6, null),
    F6_E3M2(6, null),
    F4(4, null),
    C64(64, null),
    I64(64, null),
    I32(32, null),
    I16(16, null),
    I8(8, null),
    U64(64, null),
    U32(32, null),
    U16(16, null),
    U8(8, null),
    BOOL(8, null);

    /** The types that a weight can have, for messages. */
    public static final String FOR_WEIGHTS = "F64, F32, F16, BF16, F8_E4M3, F8_E5M2";

    private final int bits;
    private final NumberFormat format;

    SafetensorsType(int bits, NumberFormat format) {
        this.bits = bits;
        this.format = format;
    }

    /** Bits of a value. */
    public int bits() {
        return bits;
    }

    /** The number format of weights of this type; empty for types that are only carried along. */
    public Optional<NumberFormat> format() {
        return Optional.ofNullable(format);
    }

    /** @throws IllegalArgumentException for a format that safetensors has no type for */
    public static SafetensorsType of(NumberFormat format) {
        for (SafetensorsType type : values()) {
            if (type.format == format) {
                return type;
            }
        }
        throw new IllegalArgumentException("safetensors has no type for " + format);
    }

    /**
     * Bytes of a tensor.
     *
     * @throws ArithmeticException where the size passes 2^63 − 1 bits or is no whole number of bytes
     */
    public long bytes(List<Long> shape) {
        if (shape.contains(0L)) {
            return 0;
        }
        long total = bits;
        for (long dimension : shape) {
            total = Math.multiplyExact(total, dimension);
        }
        if (total % 8 != 0) {
            throw new ArithmeticException("not a whole number of bytes");
        }
        return total / 8;
    }
}
