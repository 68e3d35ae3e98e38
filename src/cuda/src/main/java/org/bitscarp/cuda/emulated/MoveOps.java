package org.bitscarp.cuda.emulated;

import java.util.List;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.emulated.ptx.Operands;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/** {@code mov}, also between a register and its parts, and {@code cvta} (PTX ISA, sections 9.7.8.4 and 9.7.8.20). */
final class MoveOps {
    private static final Op WORD = (w, d, a, b, c) -> System.arraycopy(w.r, a, w.r, d, Warp.LANES);
    private static final Op QUAD = (w, d, a, b, c) -> System.arraycopy(w.q, a, w.q, d, Warp.LANES);
    private static final Op PREDICATE = (w, d, a, b, c) -> w.p[d] = w.p[a];

    private MoveOps() {}

    static Instruction decode(Decoder d, Statement s) {
        if (s.opcode().startsWith("cvta.")) {
            return address(d, s);
        }
        if (!s.opcode().startsWith("mov.")) {
            return null;
        }
        String type = s.opcode().substring(4);
        String to = s.operands().get(0);
        String from = s.operands().get(1);
        if (to.startsWith("{")) {
            return new Split(s, parts(d, s, to, type), d.row(from, Decoder.file(type), s), Decoder.file(type) == 'q');
        }
        if (from.startsWith("{")) {
            return new Join(s, parts(d, s, from, type), d.row(to, Decoder.file(type), s), Decoder.file(type) == 'q');
        }
        char file = Decoder.file(type);
        int target = d.row(to, file, s);
        boolean half = file == 'w' && EntrySignature.sizeOf(type) == 2;
        int source = d.row(from, half ? 'h' : file, s);
        Op op = file == 'p' ? PREDICATE : file == 'q' ? QUAD : WORD;
        return new Arithmetic(s, file, op, target, source, 0, 0);
    }

    /** Rows of the parts, −1 for {@code _}. */
    private static int[] parts(Decoder d, Statement s, String operand, String type) {
        List<String> names = Operands.elements(operand, s.line());
        int bytes = EntrySignature.sizeOf(type);
        boolean supported =
                (bytes == 8 && (names.size() == 2 || names.size() == 4)) || (bytes == 4 && names.size() == 2);
        if (!supported) {
            throw new PtxException(s.line(), s.opcode() + " into " + names.size() + " parts is not known");
        }
        return names.stream()
                .mapToInt(n -> n.equals("_") ? -1 : d.row(n, 'w', s))
                .toArray();
    }

    private static Instruction address(Decoder d, Statement s) {
        String[] words = s.opcode().split("\\.");
        boolean to = words[1].equals("to");
        String space = words[to ? 2 : 1];
        if (!words[words.length - 1].equals("u64")) {
            throw new PtxException(s.line(), s.opcode() + " is not known to the emulated device");
        }
        long window = switch (space) {
            case "shared", "shared::cta" -> Address.SHARED_WINDOW;
            case "local" -> Address.LOCAL_WINDOW;
            default -> 0;
        };
        long change = to ? -window : window;
        Op op = (w, t, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.q[t + i] = w.q[a + i] + change;
            }
        };
        return new Arithmetic(
                s,
                'q',
                op,
                d.row(s.operands().get(0), 'q', s),
                d.row(s.operands().get(1), 'q', s),
                0,
                0);
    }

    private static final class Split extends Instruction {
        private final int[] parts;
        private final int from;
        private final boolean quad;

        Split(Statement s, int[] parts, int from, boolean quad) {
            super(s, Kind.PLAIN);
            this.parts = parts;
            this.from = from;
            this.quad = quad;
        }

        @Override
        void execute(Warp w, int active) {
            int bits = (quad ? 64 : 32) / parts.length;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                long value = quad ? w.q[from + lane] : w.r[from + lane] & 0xffffffffL;
                for (int part : parts) {
                    if (part >= 0) {
                        w.r[part + lane] = bits == 16 ? (int) value & 0xffff : (int) value;
                    }
                    value >>>= bits;
                }
            }
        }
    }

    private static final class Join extends Instruction {
        private final int[] parts;
        private final int to;
        private final boolean quad;

        Join(Statement s, int[] parts, int to, boolean quad) {
            super(s, Kind.PLAIN);
            this.parts = parts;
            this.to = to;
            this.quad = quad;
        }

        @Override
        void execute(Warp w, int active) {
            int bits = (quad ? 64 : 32) / parts.length;
            long mask = bits == 16 ? 0xffff : 0xffffffffL;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                long value = 0;
                for (int i = 0; i < parts.length; i++) {
                    value |= (w.r[parts[i] + lane] & mask) << bits * i;
                }
                if (quad) {
                    w.q[to + lane] = value;
                } else {
                    w.r[to + lane] = (int) value;
                }
            }
        }
    }
}
