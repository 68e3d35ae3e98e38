package org.bitscarp.cuda.emulated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/** {@code setp} and {@code set} (PTX ISA, section 9.7.6). A comparison is the set of relations that it accepts. */
final class CompareOps {
    private static final int LESS = 1;
    private static final int EQUAL = 2;
    private static final int GREATER = 4;
    private static final int UNORDERED = 8;
    private static final Map<String, Integer> ACCEPTED = Map.ofEntries(
            Map.entry("eq", EQUAL),
            Map.entry("ne", LESS | GREATER),
            Map.entry("lt", LESS),
            Map.entry("le", LESS | EQUAL),
            Map.entry("gt", GREATER),
            Map.entry("ge", GREATER | EQUAL),
            Map.entry("lo", LESS),
            Map.entry("ls", LESS | EQUAL),
            Map.entry("hi", GREATER),
            Map.entry("hs", GREATER | EQUAL),
            Map.entry("equ", EQUAL | UNORDERED),
            Map.entry("neu", LESS | GREATER | UNORDERED),
            Map.entry("ltu", LESS | UNORDERED),
            Map.entry("leu", LESS | EQUAL | UNORDERED),
            Map.entry("gtu", GREATER | UNORDERED),
            Map.entry("geu", GREATER | EQUAL | UNORDERED),
            Map.entry("num", LESS | EQUAL | GREATER),
            Map.entry("nan", UNORDERED));

    private CompareOps() {}

    /** Bits of the lanes for which rows a and b are in an accepted relation. */
    @FunctionalInterface
    private interface Comparison {
        int of(Warp w, int a, int b);
    }

    static Instruction decode(Decoder d, Statement s) {
        List<String> words = new ArrayList<>(Arrays.asList(s.opcode().split("\\.")));
        boolean predicate = words.getFirst().equals("setp");
        if (!predicate && !words.getFirst().equals("set")) {
            return null;
        }
        boolean flush = words.remove("ftz");
        String type = words.getLast();
        int accepted = ACCEPTED.getOrDefault(words.get(1), 0);
        String combine =
                words.contains("and") ? "and" : words.contains("or") ? "or" : words.contains("xor") ? "xor" : "";
        String result = predicate ? "pred" : words.get(words.size() - 2);
        int expected = 3 + (combine.isEmpty() ? 0 : 1) + (predicate ? 0 : 1);
        Comparison comparison = comparison(type, accepted, flush);
        if (accepted == 0 || comparison == null || words.size() != expected) {
            throw new PtxException(s.line(), s.opcode() + " is not known to the emulated device");
        }
        char file = Decoder.file(type);
        char source = file == 'w' && type.endsWith("16") ? 'h' : file;
        String[] targets = s.operands().getFirst().split("\\|");
        String with = combine.isEmpty() ? "" : s.operands().get(3);
        boolean negated = with.startsWith("!");
        return new Compare(
                s,
                comparison,
                result,
                target(d, s, targets[0], result),
                targets.length > 1 ? target(d, s, targets[1], result) : -1,
                d.row(s.operands().get(1), source, s),
                d.row(s.operands().get(2), source, s),
                combine,
                combine.isEmpty() ? -1 : d.row(negated ? with.substring(1) : with, 'p', s),
                negated);
    }

    private static int target(Decoder d, Statement s, String name, String type) {
        return name.equals("_") ? -1 : d.row(name, Decoder.file(type), s);
    }

    private static int relation(boolean less, boolean equal, boolean greater) {
        return less ? LESS : equal ? EQUAL : greater ? GREATER : UNORDERED;
    }

    private static Comparison comparison(String type, int accepted, boolean flush) {
        return switch (type) {
            case "s32", "b32" -> words(accepted, 0, 0);
            case "u32" -> words(accepted, Integer.MIN_VALUE, 0);
            case "s16" -> words(accepted, 0, 16);
            case "u16", "b16" -> words(accepted, 0, 0);
            case "s64", "b64" -> quads(accepted, 0);
            case "u64" -> quads(accepted, Long.MIN_VALUE);
            case "f32" ->
                (w, a, b) -> {
                    int mask = 0;
                    for (int i = 0; i < Warp.LANES; i++) {
                        float x = Float.intBitsToFloat(flush ? FloatOps.flush(w.r[a + i]) : w.r[a + i]);
                        float y = Float.intBitsToFloat(flush ? FloatOps.flush(w.r[b + i]) : w.r[b + i]);
                        mask |= ((accepted & relation(x < y, x == y, x > y)) != 0 ? 1 : 0) << i;
                    }
                    return mask;
                };
            case "f64" ->
                (w, a, b) -> {
                    int mask = 0;
                    for (int i = 0; i < Warp.LANES; i++) {
                        double x = Double.longBitsToDouble(w.q[a + i]);
                        double y = Double.longBitsToDouble(w.q[b + i]);
                        mask |= ((accepted & relation(x < y, x == y, x > y)) != 0 ? 1 : 0) << i;
                    }
                    return mask;
                };
            case "f16", "bf16" -> {
                boolean brain = type.equals("bf16");
                yield (w, a, b) -> {
                    int mask = 0;
                    for (int i = 0; i < Warp.LANES; i++) {
                        float x = Halves.value(w.r[a + i], brain);
                        float y = Halves.value(w.r[b + i], brain);
                        mask |= ((accepted & relation(x < y, x == y, x > y)) != 0 ? 1 : 0) << i;
                    }
                    return mask;
                };
            }
            default -> null;
        };
    }

    /** Unsigned numbers compare like signed ones with the top bit flipped; 16-bit signed ones need their sign back. */
    private static Comparison words(int accepted, int flip, int signShift) {
        return (w, a, b) -> {
            int mask = 0;
            for (int i = 0; i < Warp.LANES; i++) {
                int x = (w.r[a + i] << signShift >> signShift) ^ flip;
                int y = (w.r[b + i] << signShift >> signShift) ^ flip;
                mask |= ((accepted & relation(x < y, x == y, true)) != 0 ? 1 : 0) << i;
            }
            return mask;
        };
    }

    private static Comparison quads(int accepted, long flip) {
        return (w, a, b) -> {
            int mask = 0;
            for (int i = 0; i < Warp.LANES; i++) {
                long x = w.q[a + i] ^ flip;
                long y = w.q[b + i] ^ flip;
                mask |= ((accepted & relation(x < y, x == y, true)) != 0 ? 1 : 0) << i;
            }
            return mask;
        };
    }

    private static final class Compare extends Instruction {
        private final Comparison comparison;
        private final String result;
        private final int d;
        private final int inverse;
        private final int a;
        private final int b;
        private final String combine;
        private final int with;
        private final boolean negated;

        Compare(
                Statement s,
                Comparison comparison,
                String result,
                int d,
                int inverse,
                int a,
                int b,
                String combine,
                int with,
                boolean negated) {
            super(s, Kind.PLAIN);
            this.comparison = comparison;
            this.result = result;
            this.d = d;
            this.inverse = inverse;
            this.a = a;
            this.b = b;
            this.combine = combine;
            this.with = with;
            this.negated = negated;
        }

        @Override
        void execute(Warp w, int active) {
            int is = comparison.of(w, a, b);
            int c = with < 0 ? 0 : negated ? ~w.p[with] : w.p[with];
            put(w, active, d, combined(is, c));
            if (inverse >= 0) {
                put(w, active, inverse, combined(~is, c));
            }
        }

        private int combined(int is, int c) {
            return switch (combine) {
                case "and" -> is & c;
                case "or" -> is | c;
                case "xor" -> is ^ c;
                default -> is;
            };
        }

        private void put(Warp w, int active, int target, int bits) {
            if (target < 0) {
                return;
            }
            if (result.equals("pred")) {
                w.p[target] = (w.p[target] & ~active) | (bits & active);
                return;
            }
            int yes = result.equals("f32") ? Float.floatToRawIntBits(1f) : -1;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                w.r[target + lane] = (bits >>> lane & 1) != 0 ? yes : 0;
            }
        }
    }
}
