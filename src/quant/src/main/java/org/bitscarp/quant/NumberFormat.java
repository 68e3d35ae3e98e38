package org.bitscarp.quant;

/** A number format of stored values. */
public enum NumberFormat {
    FP64(8),
    FP32(4),
    FP16(2),
    BF16(2),
    FP8_E4M3(1),
    FP8_E5M2(1);

    private final int bytes;

    NumberFormat(int bytes) {
        this.bytes = bytes;
    }

    /** Size of one value. */
    public int bytes() {
        return bytes;
    }
}
