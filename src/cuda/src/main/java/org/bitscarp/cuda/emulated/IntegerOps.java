package org.bitscarp.cuda.emulated;

/** Integers of 16 and 32 bits (PTX ISA, section 9.7.1), and products of 32 bits that give 64. */
final class IntegerOps {
    private IntegerOps() {}

    static Form find(String opcode) {
        Form form = frequent(opcode);
        if (form == null) {
            form = words(opcode);
        }
        return form == null ? halves(opcode) : form;
    }

    private static Form frequent(String opcode) {
        return switch (opcode) {
            case "add.s32", "add.u32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = r[a + i] + r[b + i];
                    }
                });
            case "sub.s32", "sub.u32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = r[a + i] - r[b + i];
                    }
                });
            case "mul.lo.s32", "mul.lo.u32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = r[a + i] * r[b + i];
                    }
                });
            case "mad.lo.s32", "mad.lo.u32" ->
                new Form('w', "www", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = r[a + i] * r[b + i] + r[c + i];
                    }
                });
            case "mul.wide.s32" ->
                new Form('q', "ww", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = (long) w.r[a + i] * w.r[b + i];
                    }
                });
            case "mul.wide.u32" ->
                new Form('q', "ww", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = (w.r[a + i] & 0xffffffffL) * (w.r[b + i] & 0xffffffffL);
                    }
                });
            case "mad.wide.s32" ->
                new Form('q', "wwq", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = (long) w.r[a + i] * w.r[b + i] + w.q[c + i];
                    }
                });
            case "mad.wide.u32" ->
                new Form('q', "wwq", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = (w.r[a + i] & 0xffffffffL) * (w.r[b + i] & 0xffffffffL) + w.q[c + i];
                    }
                });
            default -> null;
        };
    }

    private static Form words(String opcode) {
        return switch (opcode) {
            case "add.sat.s32" -> Loops.words((a, b) -> Math.clamp((long) a + b, Integer.MIN_VALUE, Integer.MAX_VALUE));
            case "sub.sat.s32" -> Loops.words((a, b) -> Math.clamp((long) a - b, Integer.MIN_VALUE, Integer.MAX_VALUE));
            case "mul.hi.s32" -> Loops.words((a, b) -> (int) ((long) a * b >> 32));
            case "mul.hi.u32" -> Loops.words(IntegerOps::high);
            case "mad.hi.s32" -> Loops.words((a, b, c) -> (int) ((long) a * b >> 32) + c);
            case "mad.hi.u32" -> Loops.words((a, b, c) -> high(a, b) + c);
            case "mul24.lo.s32" -> Loops.words((a, b) -> (a << 8 >> 8) * (b << 8 >> 8));
            case "mul24.lo.u32" -> Loops.words((a, b) -> (a & 0xffffff) * (b & 0xffffff));
            // Division by zero has no defined result; all bits set is what devices give.
            case "div.s32" -> Loops.words((a, b) -> b == 0 ? -1 : a / b);
            case "div.u32" -> Loops.words((a, b) -> b == 0 ? -1 : Integer.divideUnsigned(a, b));
            case "rem.s32" -> Loops.words((a, b) -> b == 0 ? a : a % b);
            case "rem.u32" -> Loops.words((a, b) -> b == 0 ? a : Integer.remainderUnsigned(a, b));
            case "min.s32" -> Loops.words((a, b) -> Math.min(a, b));
            case "max.s32" -> Loops.words((a, b) -> Math.max(a, b));
            case "min.u32" -> Loops.words((a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b);
            case "max.u32" -> Loops.words((a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b);
            case "abs.s32" -> Loops.words(a -> Math.abs(a));
            case "neg.s32" -> Loops.words(a -> -a);
            case "sad.s32" -> Loops.words((a, b, c) -> c + (a < b ? b - a : a - b));
            case "sad.u32" -> Loops.words((a, b, c) -> c + (Integer.compareUnsigned(a, b) < 0 ? b - a : a - b));
            case "dp4a.s32.s32" -> Loops.words((a, b, c) -> dot(a, b, c, true, true));
            case "dp4a.s32.u32" -> Loops.words((a, b, c) -> dot(a, b, c, true, false));
            case "dp4a.u32.s32" -> Loops.words((a, b, c) -> dot(a, b, c, false, true));
            case "dp4a.u32.u32" -> Loops.words((a, b, c) -> dot(a, b, c, false, false));
            default -> null;
        };
    }

    private static Form halves(String opcode) {
        return switch (opcode) {
            case "add.s16", "add.u16" -> Loops.halves((a, b) -> a + b);
            case "sub.s16", "sub.u16" -> Loops.halves((a, b) -> a - b);
            case "mul.lo.s16", "mul.lo.u16" -> Loops.halves((a, b) -> a * b);
            case "mul.hi.s16" -> Loops.halves((a, b) -> (short) a * (short) b >> 16);
            case "mul.hi.u16" -> Loops.halves((a, b) -> a * b >>> 16);
            case "mad.lo.s16", "mad.lo.u16" -> Loops.halves((a, b, c) -> a * b + c);
            case "mul.wide.s16" ->
                new Form('w', "hh", Loops.words((a, b) -> (short) a * (short) b).op());
            case "mul.wide.u16" ->
                new Form(
                        'w',
                        "hh",
                        Loops.words((a, b) -> (a & 0xffff) * (b & 0xffff)).op());
            case "mad.wide.s16" ->
                new Form(
                        'w',
                        "hhw",
                        Loops.words((a, b, c) -> (short) a * (short) b + c).op());
            case "mad.wide.u16" ->
                new Form(
                        'w',
                        "hhw",
                        Loops.words((a, b, c) -> (a & 0xffff) * (b & 0xffff) + c)
                                .op());
            case "div.s16" -> Loops.halves((a, b) -> b == 0 ? -1 : (short) a / (short) b);
            case "div.u16" -> Loops.halves((a, b) -> b == 0 ? -1 : a / b);
            case "rem.s16" -> Loops.halves((a, b) -> b == 0 ? a : (short) a % (short) b);
            case "rem.u16" -> Loops.halves((a, b) -> b == 0 ? a : a % b);
            case "min.s16" -> Loops.halves((a, b) -> Math.min((short) a, (short) b));
            case "max.s16" -> Loops.halves((a, b) -> Math.max((short) a, (short) b));
            case "min.u16" -> Loops.halves((a, b) -> Math.min(a, b));
            case "max.u16" -> Loops.halves((a, b) -> Math.max(a, b));
            case "abs.s16" -> Loops.halves(a -> Math.abs((short) a));
            case "neg.s16" -> Loops.halves(a -> -a);
            default -> null;
        };
    }

    private static int high(int a, int b) {
        return (int) ((a & 0xffffffffL) * (b & 0xffffffffL) >>> 32);
    }

    private static int dot(int a, int b, int c, boolean signedA, boolean signedB) {
        int sum = c;
        for (int shift = 0; shift < 32; shift += 8) {
            int x = signedA ? (byte) (a >> shift) : a >> shift & 0xff;
            int y = signedB ? (byte) (b >> shift) : b >> shift & 0xff;
            sum += x * y;
        }
        return sum;
    }
}
