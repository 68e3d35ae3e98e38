package org.bitscarp.cuda.emulated;

/** Logic, shifts, fields, permutations and choices (PTX ISA, sections 9.7.1.16 ff., 9.7.7, 9.7.8.7). */
final class BitOps {
    private BitOps() {}

    static Form find(String opcode) {
        Form form = logic(opcode);
        if (form == null) {
            form = shifts(opcode);
        }
        return form == null ? fields(opcode) : form;
    }

    private static Form logic(String opcode) {
        return switch (opcode) {
            case "and.b32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        r[d + i] = r[a + i] & r[b + i];
                    }
                });
            case "or.b32" -> Loops.words((a, b) -> a | b);
            case "xor.b32" -> Loops.words((a, b) -> a ^ b);
            case "not.b32" -> Loops.words(a -> ~a);
            case "cnot.b32" -> Loops.words(a -> a == 0 ? 1 : 0);
            case "and.b16" -> Loops.halves((a, b) -> a & b);
            case "or.b16" -> Loops.halves((a, b) -> a | b);
            case "xor.b16" -> Loops.halves((a, b) -> a ^ b);
            case "not.b16" -> Loops.halves(a -> ~a);
            case "and.b64" -> Loops.quads((a, b) -> a & b);
            case "or.b64" -> Loops.quads((a, b) -> a | b);
            case "xor.b64" -> Loops.quads((a, b) -> a ^ b);
            case "not.b64" -> Loops.quads(a -> ~a);
            case "and.pred" -> new Form('p', "pp", (w, d, a, b, c) -> w.p[d] = w.p[a] & w.p[b]);
            case "or.pred" -> new Form('p', "pp", (w, d, a, b, c) -> w.p[d] = w.p[a] | w.p[b]);
            case "xor.pred" -> new Form('p', "pp", (w, d, a, b, c) -> w.p[d] = w.p[a] ^ w.p[b]);
            case "not.pred" -> new Form('p', "p", (w, d, a, b, c) -> w.p[d] = ~w.p[a]);
            case "selp.b32", "selp.u32", "selp.s32", "selp.f32" -> select("wwp");
            case "selp.b16", "selp.u16", "selp.s16", "selp.f16" -> select("hhp");
            case "selp.b64", "selp.u64", "selp.s64", "selp.f64" ->
                new Form('q', "qqp", (w, d, a, b, c) -> {
                    int p = w.p[c];
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = (p >>> i & 1) != 0 ? w.q[a + i] : w.q[b + i];
                    }
                });
            default -> null;
        };
    }

    private static Form select(String sources) {
        return new Form('w', sources, (w, d, a, b, c) -> {
            int[] r = w.r;
            int p = w.p[c];
            for (int i = 0; i < Warp.LANES; i++) {
                r[d + i] = (p >>> i & 1) != 0 ? r[a + i] : r[b + i];
            }
        });
    }

    /** Shifts by the width or more give zeros, or signs. */
    private static Form shifts(String opcode) {
        return switch (opcode) {
            case "shl.b32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        int by = r[b + i];
                        r[d + i] = by >>> 5 == 0 ? r[a + i] << by : 0;
                    }
                });
            case "shr.u32", "shr.b32" ->
                new Form('w', "ww", (w, d, a, b, c) -> {
                    int[] r = w.r;
                    for (int i = 0; i < Warp.LANES; i++) {
                        int by = r[b + i];
                        r[d + i] = by >>> 5 == 0 ? r[a + i] >>> by : 0;
                    }
                });
            case "shr.s32" -> Loops.words((a, b) -> a >> (b >>> 5 == 0 ? b : 31));
            case "shl.b16" -> halfByWord((a, b) -> b >>> 4 == 0 ? a << b : 0);
            case "shr.u16", "shr.b16" -> halfByWord((a, b) -> b >>> 4 == 0 ? a >>> b : 0);
            case "shr.s16" -> halfByWord((a, b) -> (short) a >> (b >>> 4 == 0 ? b : 15));
            case "shl.b64" -> Loops.quadsByWord((a, b) -> b < 64 ? a << b : 0);
            case "shr.u64", "shr.b64" -> Loops.quadsByWord((a, b) -> b < 64 ? a >>> b : 0);
            case "shr.s64" -> Loops.quadsByWord((a, b) -> a >> Math.min(b, 63));
            case "shf.l.wrap.b32" -> Loops.words((a, b, c) -> (int) (join(a, b) << (c & 31) >>> 32));
            case "shf.r.wrap.b32" -> Loops.words((a, b, c) -> (int) (join(a, b) >>> (c & 31)));
            case "shf.l.clamp.b32" -> Loops.words((a, b, c) -> c >>> 5 == 0 ? (int) (join(a, b) << c >>> 32) : a);
            case "shf.r.clamp.b32" -> Loops.words((a, b, c) -> c >>> 5 == 0 ? (int) (join(a, b) >>> c) : b);
            default -> null;
        };
    }

    private static Form halfByWord(java.util.function.IntBinaryOperator f) {
        return new Form('w', "hw", Loops.halves(f).op());
    }

    private static long join(int low, int high) {
        return (long) high << 32 | (low & 0xffffffffL);
    }

    private static Form fields(String opcode) {
        return switch (opcode) {
            case "popc.b32" -> Loops.words(a -> Integer.bitCount(a));
            case "clz.b32" -> Loops.words(a -> Integer.numberOfLeadingZeros(a));
            case "brev.b32" -> Loops.words(a -> Integer.reverse(a));
            case "bfind.u32" -> Loops.words(a -> 31 - Integer.numberOfLeadingZeros(a));
            case "bfind.shiftamt.u32" -> Loops.words(a -> a == 0 ? -1 : Integer.numberOfLeadingZeros(a));
            case "popc.b64" -> wordOfQuad(a -> Long.bitCount(a));
            case "clz.b64" -> wordOfQuad(a -> Long.numberOfLeadingZeros(a));
            case "brev.b64" -> Loops.quads(a -> Long.reverse(a));
            case "bfe.u32" -> Loops.words((a, b, c) -> (int) field(a & 0xffffffffL, b & 255, c & 255, 32, false));
            case "bfe.s32" -> Loops.words((a, b, c) -> (int) field(a, b & 255, c & 255, 32, true));
            case "bfe.u64" -> fieldOfQuad(false);
            case "bfe.s64" -> fieldOfQuad(true);
            case "prmt.b32" -> Loops.words(BitOps::permute);
            default -> null;
        };
    }

    private static Form wordOfQuad(java.util.function.LongToIntFunction f) {
        return new Form('w', "q", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.r[d + i] = f.applyAsInt(w.q[a + i]);
            }
        });
    }

    private static Form fieldOfQuad(boolean signed) {
        return new Form('q', "qww", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.q[d + i] = field(w.q[a + i], w.r[b + i] & 255, w.r[c + i] & 255, 64, signed);
            }
        });
    }

    /**
     * {@code length} bits from {@code from} on. Signed: extended by the field's top bit, or by the value's own where the
     * field ends beyond it.
     */
    private static long field(long value, int from, int length, int width, boolean signed) {
        if (length == 0) {
            return 0;
        }
        long bits = from >= width ? (signed && value < 0 ? -1 : 0) : signed ? value >> from : value >>> from;
        if (from + length >= width || length >= 64) {
            return bits;
        }
        int unused = 64 - length;
        return signed ? bits << unused >> unused : bits << unused >>> unused;
    }

    /** Byte n of the result is the byte of b:a that nibble n of the selector names; its top bit asks for the sign only. */
    private static int permute(int a, int b, int selector) {
        long bytes = join(a, b);
        int result = 0;
        for (int n = 0; n < 4; n++) {
            int nibble = selector >>> 4 * n & 15;
            int value = (int) (bytes >>> 8 * (nibble & 7)) & 0xff;
            if ((nibble & 8) != 0) {
                value = (byte) value < 0 ? 0xff : 0;
            }
            result |= value << 8 * n;
        }
        return result;
    }
}
