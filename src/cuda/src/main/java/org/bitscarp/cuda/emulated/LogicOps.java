package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.emulated.ptx.Literal;
import org.bitscarp.cuda.emulated.ptx.Statement;

/** {@code lop3} and {@code bfi}, which take more operands than other arithmetic (PTX ISA, sections 9.7.7.6 and 9.7.1.18). */
final class LogicOps {
    private LogicOps() {}

    static Instruction decode(Decoder d, Statement s) {
        switch (s.opcode()) {
            case "lop3.b32" -> {
                Op op = threeWay((int) Literal.bits(s.operands().get(4), s.line()));
                return new Arithmetic(s, 'w', op, word(d, s, 0), word(d, s, 1), word(d, s, 2), word(d, s, 3));
            }
            case "bfi.b32" -> {
                int length = word(d, s, 4);
                Op op = (w, t, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.r[t + i] = insert(w.r[a + i], w.r[b + i], w.r[c + i] & 255, w.r[length + i] & 255);
                    }
                };
                return new Arithmetic(s, 'w', op, word(d, s, 0), word(d, s, 1), word(d, s, 2), word(d, s, 3));
            }
            case "bfi.b64" -> {
                int length = word(d, s, 4);
                Op op = (w, t, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[t + i] = insert(w.q[a + i], w.q[b + i], w.r[c + i] & 255, w.r[length + i] & 255);
                    }
                };
                return new Arithmetic(s, 'q', op, quad(d, s, 0), quad(d, s, 1), quad(d, s, 2), word(d, s, 3));
            }
            default -> {
                return null;
            }
        }
    }

    private static int word(Decoder d, Statement s, int operand) {
        return d.row(s.operands().get(operand), 'w', s);
    }

    private static int quad(Decoder d, Statement s, int operand) {
        return d.row(s.operands().get(operand), 'q', s);
    }

    /** Bit 4a + 2b + c of the table is the result for bits a, b, c. */
    private static Op threeWay(int table) {
        return (w, d, a, b, c) -> {
            int[] r = w.r;
            for (int i = 0; i < Warp.LANES; i++) {
                int x = r[a + i];
                int y = r[b + i];
                int z = r[c + i];
                int result = 0;
                for (int row = 0; row < 8; row++) {
                    if ((table >>> row & 1) != 0) {
                        result |= ((row & 4) != 0 ? x : ~x) & ((row & 2) != 0 ? y : ~y) & ((row & 1) != 0 ? z : ~z);
                    }
                }
                r[d + i] = result;
            }
        };
    }

    private static int insert(int field, int into, int from, int length) {
        if (length == 0 || from >= 32) {
            return into;
        }
        int mask = (length >= 32 ? -1 : (1 << length) - 1) << from;
        return (into & ~mask) | (field << from & mask);
    }

    private static long insert(long field, long into, int from, int length) {
        if (length == 0 || from >= 64) {
            return into;
        }
        long mask = (length >= 64 ? -1 : (1L << length) - 1) << from;
        return (into & ~mask) | (field << from & mask);
    }
}
