package org.bitscarp.quant;

/**
 * A binary floating-point format of at most 16 bits: sign, exponent, mantissa. The readable specification of the number
 * formats that {@link NumberFormat} reads and writes quickly.
 *
 * <p>Encoding rounds once, to nearest, ties to the even code, straight from double precision: going through float first
 * would round twice. Every float is a double, so the same method is exact for floats.
 *
 * <p>Sources: IEEE 754-2019 (binary16), the OCP 8-bit Floating Point Specification 1.0 (E4M3, E5M2). BF16 is the upper
 * half of a binary32.
 */
public enum MiniFloat {
    FP16(5, 10, true),
    BF16(8, 7, true),
    /**
     * The OCP format that PyTorch calls {@code float8_e4m3fn}: no infinities, NaN only at 0x7F and 0xFF, maximum 448.
     */
    E4M3(4, 3, false),
    E5M2(5, 2, true);

    private final int mantissaBits;
    private final int minExponent;
    private final boolean infinities;
    private final int signBit;
    private final int maxCode;
    private final int nanCode;

    MiniFloat(int exponentBits, int mantissaBits, boolean infinities) {
        this.mantissaBits = mantissaBits;
        this.minExponent = 2 - (1 << (exponentBits - 1));
        this.infinities = infinities;
        this.signBit = 1 << (exponentBits + mantissaBits);
        int infinity = signBit - (1 << mantissaBits);
        this.maxCode = infinities ? infinity - 1 : signBit - 2;
        this.nanCode = infinities ? infinity | 1 << (mantissaBits - 1) : signBit - 1;
    }

    /** The code of positive infinity, or of NaN where the format has no infinities. */
    public int overflowCode() {
        return maxCode + 1;
    }

    /** The code of the largest finite value. */
    public int maxCode() {
        return maxCode;
    }

    /** The bit that holds the sign. */
    public int signBit() {
        return signBit;
    }

    /** The largest finite value. */
    public float maxValue() {
        return decode(maxCode);
    }

    /** The smallest positive value, a subnormal. */
    public float minValue() {
        return decode(1);
    }

    /**
     * The nearest code, ties to even. What rounds beyond the largest finite value becomes an infinity, or NaN in E4M3,
     * which is what PyTorch on a CPU and ml_dtypes do ("non-saturating" in OCP's words). NaN becomes the quiet NaN of
     * its sign.
     */
    public int encode(double value) {
        return encode(value, maxCode + 1);
    }

    /**
     * As {@link #encode}, but finite values and infinities beyond the largest finite value become that value (OCP's
     * saturating mode).
     */
    public int encodeSaturating(double value) {
        return encode(value, maxCode);
    }

    private int encode(double value, int beyond) {
        int sign = Double.doubleToRawLongBits(value) < 0 ? signBit : 0;
        if (Double.isNaN(value)) {
            return sign | nanCode;
        }
        if (Double.isInfinite(value)) {
            return sign | beyond;
        }
        double magnitude = Math.abs(value);
        // Within one binade, and below the smallest normal value, codes are evenly spaced by 2^(exponent -
        // mantissaBits).
        // The power-of-two scaling is exact: it only ever scales small values up.
        int exponent = Math.max(Math.getExponent(magnitude), minExponent);
        long steps = (long) Math.rint(Math.scalb(magnitude, mantissaBits - exponent));
        // A carry out of the mantissa moves into the exponent by itself.
        long code = ((long) (exponent - minExponent) << mantissaBits) + steps;
        return sign | (code > maxCode ? beyond : (int) code);
    }

    /** The value of a code, exact. Bits above the format's width are ignored. */
    public float decode(int code) {
        int magnitude = code & (signBit - 1);
        float sign = (code & signBit) != 0 ? -1f : 1f;
        if (magnitude > maxCode) {
            return infinities && magnitude == maxCode + 1 ? sign * Float.POSITIVE_INFINITY : Float.NaN;
        }
        int exponentField = magnitude >>> mantissaBits;
        int mantissa = magnitude & ((1 << mantissaBits) - 1);
        if (exponentField > 0) {
            mantissa |= 1 << mantissaBits;
            exponentField--;
        }
        return sign * Math.scalb((float) mantissa, exponentField + minExponent - mantissaBits);
    }
}
