package org.bitscarp.cuda.emulated;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import org.junit.jupiter.api.Test;

/** Instructions on floats: rounding against decimals of any length, NaN, infinities, subnormals, saturation. */
class RealTest {
    private static final int[] VALUES = LaneTable.withRandom(LaneTable.floatBits(), 2);

    private static void check(String instruction, LaneTable.Truth truth) {
        LaneTable.words(instruction, VALUES, true, truth);
    }

    private static float f(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static long b(float value) {
        return Float.floatToRawIntBits(value);
    }

    private static boolean finite(float... values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }

    @Test
    void singlePrecision() {
        check("add.f32 %r0, %r1, %r2;", (x, y, z) -> b(f(x) + f(y)));
        check("mul.rn.f32 %r0, %r1, %r2;", (x, y, z) -> b(f(x) * f(y)));
        check("div.rn.f32 %r0, %r1, %r2;", (x, y, z) -> b(f(x) / f(y)));
        check("sqrt.rn.f32 %r0, %r1;", (x, y, z) -> b((float) Math.sqrt(f(x))));
        check(
                "fma.rn.f32 %r0, %r1, %r2, %r3;",
                (x, y, z) -> {
                    if (!finite(f(x), f(y), f(z)) || f(x) == 0 || f(y) == 0) {
                        return b(Math.fma(f(x), f(y), f(z)));
                    }
                    BigDecimal exact =
                            new BigDecimal(f(x)).multiply(new BigDecimal(f(y))).add(new BigDecimal(f(z)));
                    return b(exact.signum() == 0 ? 0f : exact.floatValue());
                });
        check("neg.f32 %r0, %r1;", (x, y, z) -> x ^ 0x80000000L);
        check(
                "add.sat.f32 %r0, %r1, %r2;",
                (x, y, z) -> {
                    float sum = f(x) + f(y);
                    return Float.isNaN(sum) ? 0 : b(Math.clamp(sum, 0f, 1f) + 0f);
                });
        check("add.ftz.f32 %r0, %r1, 0f00000000;", (x, y, z) -> Math.abs(f(x)) < Float.MIN_NORMAL ? 0 : b(f(x)));
        check(
                "mul.ftz.f32 %r0, %r1, 0f3F800000;",
                (x, y, z) -> Math.abs(f(x)) < Float.MIN_NORMAL ? x & 0x80000000L : x);
    }

    @Test
    void minimaIgnoreNaN() {
        check(
                "min.f32 %r0, %r1, %r2;",
                (x, y, z) -> Float.isNaN(f(x)) ? y : Float.isNaN(f(y)) ? x : b(Math.min(f(x), f(y))));
        check(
                "max.f32 %r0, %r1, %r2;",
                (x, y, z) -> Float.isNaN(f(x)) ? y : Float.isNaN(f(y)) ? x : b(Math.max(f(x), f(y))));
        check("max.NaN.f32 %r0, %r1, %r2;", (x, y, z) -> b(Math.max(f(x), f(y))));
    }

    @Test
    void comparisonsWithNaN() {
        String select = " selp.b32 %r0, 1, 0, %p1;";
        check("setp.lt.f32 %p1, %r1, %r2;" + select, (x, y, z) -> f(x) < f(y) ? 1 : 0);
        check("setp.ltu.f32 %p1, %r1, %r2;" + select, (x, y, z) -> f(x) >= f(y) ? 0 : 1);
        check("setp.ne.f32 %p1, %r1, %r2;" + select, (x, y, z) -> f(x) < f(y) || f(x) > f(y) ? 1 : 0);
        check("setp.neu.f32 %p1, %r1, %r2;" + select, (x, y, z) -> f(x) != f(y) ? 1 : 0);
        check("setp.nan.f32 %p1, %r1, %r2;" + select, (x, y, z) -> Float.isNaN(f(x)) || Float.isNaN(f(y)) ? 1 : 0);
    }

    @Test
    void floatsToIntegersAreClamped() {
        check("cvt.rzi.s32.f32 %r0, %r1;", (x, y, z) -> (int) f(x));
        check("cvt.rni.s32.f32 %r0, %r1;", (x, y, z) -> (int) Math.rint(f(x)));
        check("cvt.rmi.s32.f32 %r0, %r1;", (x, y, z) -> (int) Math.floor(f(x)));
        check("cvt.rpi.s32.f32 %r0, %r1;", (x, y, z) -> (int) Math.ceil(f(x)));
        check("cvt.rzi.u32.f32 %r0, %r1;", (x, y, z) -> Math.clamp((long) f(x), 0, 0xffffffffL));
        check("cvt.rni.f32.f32 %r0, %r1;", (x, y, z) -> b((float) Math.rint(f(x))));
        check("cvt.rzi.s16.f32 %rs1, %r1; cvt.s32.s16 %r0, %rs1;", (x, y, z) -> Math.clamp((long) f(x), -32768, 32767));
    }

    @Test
    void integersToFloats() {
        check("cvt.rn.f32.s32 %r0, %r1;", (x, y, z) -> b((float) (int) x));
        check("cvt.rn.f32.u32 %r0, %r1;", (x, y, z) -> b((float) (x & 0xffffffffL)));
        check(
                "cvt.rz.f32.s32 %r0, %r1;",
                (x, y, z) -> b(
                        new BigDecimal((int) x).round(new MathContext(40)).signum() == 0 ? 0f : towardsZero((int) x)));
        check("cvt.rn.f32.u64 %r0, %rd1;", (x, y, z) -> b(new BigDecimal(Long.toUnsignedString(x)).floatValue()));
        check("cvt.rn.f32.u8 %r0, %r1;", (x, y, z) -> b(x & 255));
        check("cvt.rn.f32.s8 %r0, %r1;", (x, y, z) -> b((byte) x));
    }

    private static float towardsZero(int value) {
        float nearest = value;
        return Math.abs((double) nearest) > Math.abs((double) value)
                ? Math.copySign(Math.nextDown(Math.abs(nearest)), nearest)
                : nearest;
    }

    @Test
    void halfPrecision() {
        check("cvt.rn.f16.f32 %rs1, %r1; cvt.u32.u16 %r0, %rs1;", (x, y, z) -> half(f(x), RoundingMode.HALF_EVEN));
        check("cvt.rz.f16.f32 %rs1, %r1; cvt.u32.u16 %r0, %rs1;", (x, y, z) -> half(f(x), RoundingMode.DOWN));
        check(
                "cvt.rn.f16x2.f32 %r0, %r1, %r2;",
                (x, y, z) -> half(f(x), RoundingMode.HALF_EVEN) << 16 | half(f(y), RoundingMode.HALF_EVEN));
        check("cvt.u16.u32 %rs1, %r1; cvt.f32.f16 %r0, %rs1;", (x, y, z) -> b(Float.float16ToFloat((short) x)));
    }

    /** By definition: the value in units of its last place, rounded as a decimal. */
    private static long half(float x, RoundingMode mode) {
        if (Float.isNaN(x)) {
            return 0x7fff;
        }
        long sign = x < 0 || 1 / x < 0 ? 0x8000 : 0;
        if (Float.isInfinite(x)) {
            return sign | 0x7c00;
        }
        BigDecimal magnitude = new BigDecimal(Math.abs(x));
        int exponent = Math.max(Math.getExponent(x), -14);
        long units = magnitude
                .multiply(BigDecimal.TWO.pow(40))
                .divide(BigDecimal.TWO.pow(40 + exponent - 10 < 0 ? 0 : 40 + exponent - 10))
                .setScale(0, mode)
                .longValueExact();
        long bits = units + ((long) (exponent + 14) << 10);
        if (bits >= 0x7c00) {
            return sign | (mode == RoundingMode.DOWN ? 0x7bff : 0x7c00);
        }
        return sign | bits;
    }

    @Test
    void brainFloats() {
        check("cvt.rn.bf16.f32 %rs1, %r1; cvt.u32.u16 %r0, %rs1;", (x, y, z) -> brain((int) x));
        check("cvt.rn.bf16x2.f32 %r0, %r1, %r2;", (x, y, z) -> brain((int) x) << 16 | brain((int) y));
        check(
                "cvt.rna.tf32.f32 %r0, %r1;",
                (x, y, z) -> {
                    boolean finite = Float.isFinite(f(x));
                    return finite ? x + 0x1000 & 0xffffe000 : x;
                });
    }

    private static long brain(int bits) {
        return Float.isNaN(Float.intBitsToFloat(bits))
                ? 0x7fff
                : (bits + 0x7fffL + (bits >>> 16 & 1) & 0xffffffffL) >>> 16;
    }

    @Test
    void pairsAreRoundedOnce() {
        check("fma.rn.f16x2 %r0, %r1, %r2, %r3;", (x, y, z) -> fused(x >> 16, y >> 16, z >> 16) << 16 | fused(x, y, z));
        check("add.f16x2 %r0, %r1, %r2;", (x, y, z) -> fused(x >> 16, 0x3c00, y >> 16) << 16 | fused(x, 0x3c00, y));
        check(
                "cvt.u16.u32 %rs1, %r1; cvt.u16.u32 %rs2, %r2; mul.f16 %rs3, %rs1, %rs2; cvt.u32.u16 %r0, %rs3;",
                (x, y, z) -> fused(x, y, (x ^ y) & 0x8000));
    }

    /** Sums of products of fp16 as exact decimals. */
    private static long fused(long x, long y, long z) {
        float a = Float.float16ToFloat((short) x);
        float b = Float.float16ToFloat((short) y);
        float c = Float.float16ToFloat((short) z);
        if (!finite(a, b, c)) {
            float result = a * b + c;
            return Float.isNaN(result) ? 0x7fff : result > 0 ? 0x7c00 : 0xfc00;
        }
        BigDecimal exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
        if (exact.signum() == 0) {
            return Float.floatToFloat16(a * b + c) & 0xffff;
        }
        int exponent = -24;
        BigDecimal magnitude = exact.abs();
        while (exponent < 6 && magnitude.compareTo(BigDecimal.TWO.pow(11).multiply(power(exponent))) >= 0) {
            exponent++;
        }
        long units = magnitude
                .divide(power(exponent))
                .setScale(0, RoundingMode.HALF_EVEN)
                .longValue();
        double value = Math.scalb((double) units, exponent);
        short bits = value > 65504 ? (short) 0x7c00 : Float.floatToFloat16((float) value);
        return (bits & 0xffff) | (exact.signum() < 0 ? 0x8000 : 0);
    }

    private static BigDecimal power(int exponent) {
        return exponent >= 0 ? BigDecimal.TWO.pow(exponent) : BigDecimal.ONE.divide(BigDecimal.TWO.pow(-exponent));
    }

    @Test
    void doublePrecision() {
        LaneTable.quads("add.f64 %rd0, %rd1, %rd2;", VALUES, true, (x, y, z) -> d(v(x) + v(y)));
        LaneTable.quads("fma.rn.f64 %rd0, %rd1, %rd2, %rd1;", VALUES, true, (x, y, z) -> d(Math.fma(v(x), v(y), v(x))));
        LaneTable.quads("cvt.f64.f32 %rd0, %r1;", VALUES, true, (x, y, z) -> d(f(x)));
        LaneTable.words("cvt.rn.f32.f64 %r0, %rd1;", VALUES, true, (x, y, z) -> b((float) v(x)));
        LaneTable.quads("div.rn.f64 %rd0, %rd1, %rd2;", VALUES, true, (x, y, z) -> d(v(x) / v(y)));
        LaneTable.quads("cvt.rzi.s64.f64 %rd0, %rd1;", VALUES, false, (x, y, z) -> (long) v(x));
    }

    private static double v(long bits) {
        return Double.longBitsToDouble(bits);
    }

    private static long d(double value) {
        return Double.doubleToRawLongBits(value);
    }

    /** Against {@link StrictMath}, to what PTX promises or better. */
    @Test
    void approximations() {
        float[] values = {0.001f, 0.5f, 1f, 1.5f, 2f, 3.3f, 10f, 64f, 0.7f};
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        LaneTable.words("ex2.approx.f32 %r0, %r1;", bits, true, (x, y, z) -> b((float) StrictMath.pow(2, f(x))));
        LaneTable.words(
                "lg2.approx.f32 %r0, %r1;",
                bits, true, (x, y, z) -> b((float) (StrictMath.log(f(x)) / StrictMath.log(2))));
        LaneTable.words("rsqrt.approx.f32 %r0, %r1;", bits, true, (x, y, z) -> b((float) (1 / StrictMath.sqrt(f(x)))));
        LaneTable.words("tanh.approx.f32 %r0, %r1;", bits, true, (x, y, z) -> b((float) StrictMath.tanh(f(x))));
    }
}
