package org.bitscarp.cuda.emulated;

/** Integers of 64 bits (PTX ISA, section 9.7.1). */
final class LongOps {
    private LongOps() {}

    static Form find(String opcode) {
        return switch (opcode) {
            case "add.s64", "add.u64" ->
                new Form('q', "qq", (w, d, a, b, c) -> {
                    long[] q = w.q;
                    for (int i = 0; i < Warp.LANES; i++) {
                        q[d + i] = q[a + i] + q[b + i];
                    }
                });
            case "sub.s64", "sub.u64" -> Loops.quads((a, b) -> a - b);
            case "mul.lo.s64", "mul.lo.u64" -> Loops.quads((a, b) -> a * b);
            case "mul.hi.s64" -> Loops.quads((a, b) -> Math.multiplyHigh(a, b));
            case "mul.hi.u64" -> Loops.quads((a, b) -> Math.unsignedMultiplyHigh(a, b));
            case "mad.lo.s64", "mad.lo.u64" -> Loops.quads((a, b, c) -> a * b + c);
            case "mad.hi.s64" -> Loops.quads((a, b, c) -> Math.multiplyHigh(a, b) + c);
            case "mad.hi.u64" -> Loops.quads((a, b, c) -> Math.unsignedMultiplyHigh(a, b) + c);
            case "div.s64" -> Loops.quads((a, b) -> b == 0 ? -1 : a / b);
            case "div.u64" -> Loops.quads((a, b) -> b == 0 ? -1 : Long.divideUnsigned(a, b));
            case "rem.s64" -> Loops.quads((a, b) -> b == 0 ? a : a % b);
            case "rem.u64" -> Loops.quads((a, b) -> b == 0 ? a : Long.remainderUnsigned(a, b));
            case "min.s64" -> Loops.quads((a, b) -> Math.min(a, b));
            case "max.s64" -> Loops.quads((a, b) -> Math.max(a, b));
            case "min.u64" -> Loops.quads((a, b) -> Long.compareUnsigned(a, b) < 0 ? a : b);
            case "max.u64" -> Loops.quads((a, b) -> Long.compareUnsigned(a, b) > 0 ? a : b);
            case "abs.s64" -> Loops.quads(a -> Math.abs(a));
            case "neg.s64" -> Loops.quads(a -> -a);
            default -> null;
        };
    }
}
