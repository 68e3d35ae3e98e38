package org.bitscarp.cuda.emulated;

/**
 * IEEE arithmetic of fp32 (PTX ISA, section 9.7.3): rounded to nearest even, {@code fma} also down. A NaN result
 * is a NaN, with whatever payload.
 */
final class FloatOps {
    @FunctionalInterface
    interface FloatBinary {
        float of(float a, float b);
    }

    @FunctionalInterface
    interface FloatUnary {
        float of(float a);
    }

    private FloatOps() {}

    static Form find(String opcode) {
        if (!opcode.endsWith(".f32")) {
            return null;
        }
        boolean flush = opcode.contains(".ftz");
        boolean saturate = opcode.contains(".sat");
        Form form = exact(opcode.replace(".ftz", "").replace(".sat", ""));
        if (form == null) {
            return null;
        }
        form = flush ? flushed(form) : form;
        return saturate ? saturated(form) : form;
    }

    private static Form exact(String opcode) {
        return switch (opcode) {
            case "add.f32", "add.rn.f32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = bits(value(r[a + i]) + value(r[b + i]));
                    }
                });
            case "sub.f32", "sub.rn.f32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = bits(value(r[a + i]) - value(r[b + i]));
                    }
                });
            case "mul.f32", "mul.rn.f32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = bits(value(r[a + i]) * value(r[b + i]));
                    }
                });
            case "fma.rn.f32", "mad.rn.f32" ->
                new Form('w', "www", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = bits(Math.fma(value(r[a + i]), value(r[b + i]), value(r[c + i])));
                    }
                });
            case "fma.rm.f32" -> Loops.words((a, b, c) -> bits(fmaDown(value(a), value(b), value(c))));
            case "div.rn.f32", "div.full.f32", "div.approx.f32" -> binary((a, b) -> a / b);
            case "rcp.rn.f32" -> unary(a -> 1 / a);
            case "sqrt.rn.f32" -> unary(a -> (float) Math.sqrt(a));
            case "neg.f32" -> Loops.words(a -> a ^ 0x80000000);
            case "abs.f32" -> Loops.words(a -> a & 0x7fffffff);
            case "min.f32" -> binary(FloatOps::smaller);
            case "max.f32" -> binary((a, b) -> -smaller(-a, -b));
            case "min.NaN.f32" -> binary((a, b) -> Math.min(a, b));
            case "max.NaN.f32" -> binary((a, b) -> Math.max(a, b));
            // The sign comes from the first operand.
            case "copysign.f32" -> Loops.words((a, b) -> (a & 0x80000000) | (b & 0x7fffffff));
            case "testp.finite.f32" -> test(a -> Float.isFinite(a));
            case "testp.infinite.f32" -> test(a -> Float.isInfinite(a));
            case "testp.number.f32" -> test(a -> !Float.isNaN(a));
            case "testp.notanumber.f32" -> test(a -> Float.isNaN(a));
            default -> null;
        };
    }

    /** The operand that is a number, if one is not; −0 is smaller than +0. */
    static float smaller(float a, float b) {
        return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.min(a, b);
    }

    /** a·b + c rounded towards −∞. The product is exact in double, and what the sum loses is known (Knuth's TwoSum). */
    private static float fmaDown(float a, float b, float c) {
        double product = (double) a * b;
        double sum = product + c;
        double part = sum - product;
        double lost = (product - (sum - part)) + (c - part);
        float nearest = (float) sum;
        return nearest > sum || nearest == sum && lost < 0 ? Math.nextDown(nearest) : nearest;
    }

    static Form binary(FloatBinary f) {
        return Loops.words((a, b) -> bits(f.of(value(a), value(b))));
    }

    static Form unary(FloatUnary f) {
        return Loops.words(a -> bits(f.of(value(a))));
    }

    private static Form test(java.util.function.Predicate<Float> f) {
        return new Form('p', "w", (w, d, a, b, c) -> {
            int mask = 0;
            for (int i = 0; i < Warp.LANES; i++) {
                mask |= (f.test(value(w.r[a + i])) ? 1 : 0) << i;
            }
            w.p[d] = mask;
        });
    }

    /** {@code .ftz}: subnormal operands and results become zeros of the same sign. */
    static Form flushed(Form form) {
        Op op = form.op();
        int operands = form.sources().length();
        return new Form(form.target(), form.sources(), (w, d, a, b, c) -> {
            int[] from = {a, b, c};
            for (int k = 0; k < operands; k++) {
                int to = w.scratch + k * Warp.LANES;
                for (int i = 0; i < Warp.LANES; i++) {
                    w.r[to + i] = flush(w.r[from[k] + i]);
                }
            }
            op.run(w, d, w.scratch, w.scratch + Warp.LANES, w.scratch + 2 * Warp.LANES);
            if (form.target() == 'w') {
                for (int i = 0; i < Warp.LANES; i++) {
                    w.r[d + i] = flush(w.r[d + i]);
                }
            }
        });
    }

    /** {@code .sat}: results are brought to [0, 1], NaN to +0. */
    private static Form saturated(Form form) {
        Op op = form.op();
        return new Form(form.target(), form.sources(), (w, d, a, b, c) -> {
            op.run(w, d, a, b, c);
            for (int i = 0; i < Warp.LANES; i++) {
                float x = value(w.r[d + i]);
                w.r[d + i] = x > 0 ? bits(Math.min(x, 1f)) : 0;
            }
        });
    }

    static int flush(int bits) {
        return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits;
    }

    static float value(int bits) {
        return Float.intBitsToFloat(bits);
    }

    static int bits(float value) {
        return Float.floatToRawIntBits(value);
    }
}
