package org.bitscarp.cuda.emulated;

/** Arithmetic of fp64 (PTX ISA, section 9.7.3), rounded to nearest even. */
final class DoubleOps {
    private DoubleOps() {}

    static Form find(String opcode) {
        return switch (opcode) {
            case "add.f64", "add.rn.f64" -> Loops.doubles((a, b) -> a + b);
            case "sub.f64", "sub.rn.f64" -> Loops.doubles((a, b) -> a - b);
            case "mul.f64", "mul.rn.f64" -> Loops.doubles((a, b) -> a * b);
            case "div.rn.f64" -> Loops.doubles((a, b) -> a / b);
            case "min.f64" -> Loops.doubles(DoubleOps::smaller);
            case "max.f64" -> Loops.doubles((a, b) -> -smaller(-a, -b));
            case "fma.rn.f64" ->
                Loops.quads((a, b, c) -> Double.doubleToRawLongBits(Math.fma(value(a), value(b), value(c))));
            case "rcp.rn.f64" -> Loops.quads(a -> Double.doubleToRawLongBits(1 / value(a)));
            // A first guess that software refines; exact here.
            case "rcp.approx.ftz.f64" -> Loops.quads(a -> Double.doubleToRawLongBits(1 / value(a)));
            case "rsqrt.approx.ftz.f64", "rsqrt.approx.f64" ->
                Loops.quads(a -> Double.doubleToRawLongBits(1 / Math.sqrt(value(a))));
            case "sqrt.rn.f64" -> Loops.quads(a -> Double.doubleToRawLongBits(Math.sqrt(value(a))));
            case "neg.f64" -> Loops.quads(a -> a ^ Long.MIN_VALUE);
            case "abs.f64" -> Loops.quads(a -> a & Long.MAX_VALUE);
            // The sign comes from the first operand.
            case "copysign.f64" -> Loops.quads((a, b) -> (a & Long.MIN_VALUE) | (b & Long.MAX_VALUE));
            default -> null;
        };
    }

    private static double smaller(double a, double b) {
        return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.min(a, b);
    }

    private static double value(long bits) {
        return Double.longBitsToDouble(bits);
    }
}
