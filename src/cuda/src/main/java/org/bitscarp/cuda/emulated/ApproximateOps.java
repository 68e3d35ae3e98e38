package org.bitscarp.cuda.emulated;

/**
 * Functions that a GPU approximates (PTX ISA, sections 9.7.3.12 ff.): computed in double and rounded once, so within half
 * a unit in the last place, where a GPU may be 1 unit (rcp), 2 (rsqrt, ex2) or 2^-10 relative (tanh) away.
 */
final class ApproximateOps {
    private static final double LOG2 = Math.log(2);

    private ApproximateOps() {}

    static Form find(String opcode) {
        boolean flush = opcode.contains(".ftz");
        Form form = switch (opcode.replace(".ftz", "")) {
            case "rcp.approx.f32" -> FloatOps.unary(a -> 1 / a);
            case "sqrt.approx.f32" -> FloatOps.unary(a -> (float) Math.sqrt(a));
            case "rsqrt.approx.f32" -> FloatOps.unary(a -> (float) (1 / Math.sqrt(a)));
            case "ex2.approx.f32" -> FloatOps.unary(a -> (float) Math.pow(2, a));
            case "lg2.approx.f32" -> FloatOps.unary(ApproximateOps::log2);
            case "sin.approx.f32" -> FloatOps.unary(a -> (float) Math.sin(a));
            case "cos.approx.f32" -> FloatOps.unary(a -> (float) Math.cos(a));
            case "tanh.approx.f32" -> FloatOps.unary(a -> (float) Math.tanh(a));
            default -> null;
        };
        return form != null && flush ? FloatOps.flushed(form) : form;
    }

    private static float log2(float a) {
        // Powers of two come out exact, as they do on a GPU.
        int exponent = Math.getExponent(a);
        return a == Math.scalb(1f, exponent) ? exponent : (float) (Math.log(a) / LOG2);
    }
}
