package org.bitscarp.cuda.emulated;

/** fp16 and bf16 numbers, which lie in the low half of a register. */
final class Halves {
    private Halves() {}

    static float value(int bits, boolean brain) {
        return brain ? Float.intBitsToFloat(bits << 16) : Float.float16ToFloat((short) bits);
    }

    /** Rounded once, from a double that may be exact. */
    static int bits(double value, boolean brain, Rounding rounding) {
        if (brain) {
            double rounded = rounding.toFormat(value, 7, Float.MIN_EXPONENT, 0x1.fep127);
            return Double.isNaN(value) ? 0x7fff : Float.floatToRawIntBits((float) rounded) >>> 16;
        }
        double rounded = rounding.toFormat(value, 10, -14, 65504);
        return Double.isNaN(value) ? 0x7fff : Float.floatToFloat16((float) rounded) & 0xffff;
    }

    static int nearest(double value, boolean brain) {
        return bits(value, brain, Rounding.NEAREST_EVEN);
    }

    /**
     * a·b + c rounded once. The product of two numbers of at most 11 bits is exact in double; the sum is rounded to odd
     * there, which rounding to so much fewer bits cannot see (Boldo and Melquiond 2008).
     */
    static int fma(float a, float b, float c, boolean brain) {
        double product = (double) a * b;
        double sum = product + c;
        if (Double.isNaN(sum) || Double.isInfinite(sum)) {
            return nearest(sum, brain);
        }
        double ofC = sum - product;
        double error = (product - (sum - ofC)) + (c - ofC);
        if (error != 0 && (Double.doubleToRawLongBits(sum) & 1) == 0) {
            sum = error > 0 ? Math.nextUp(sum) : Math.nextDown(sum);
        }
        return nearest(sum, brain);
    }
}
