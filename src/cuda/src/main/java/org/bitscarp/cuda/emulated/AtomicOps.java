package org.bitscarp.cuda.emulated;

import java.util.Arrays;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/**
 * {@code atom} and {@code red} (PTX ISA, sections 9.7.12.4 and 9.7.12.5). Lanes take effect in order. A kernel that updates
 * global memory this way runs its blocks in order on one thread, so sums of floats do not depend on threads.
 */
final class AtomicOps {
    private AtomicOps() {}

    @FunctionalInterface
    private interface Update {
        long of(long old, long b, long c);
    }

    static Instruction decode(Decoder d, Statement s) {
        String[] words = s.opcode().split("\\.");
        boolean returns = words[0].equals("atom");
        if (!returns && !words[0].equals("red")) {
            return null;
        }
        String space = "generic";
        String operation = "";
        for (String word : Arrays.asList(words).subList(1, words.length - 1)) {
            switch (word) {
                case "global", "shared" -> space = word;
                case "shared::cta" -> space = "shared";
                case "relaxed", "acquire", "release", "acq_rel", "gpu", "sys", "cta", "noftz" -> {}
                default -> operation = word;
            }
        }
        String type = words[words.length - 1];
        Update update = update(operation, type);
        if (update == null) {
            throw new PtxException(s.line(), s.opcode() + " is not known to the emulated device");
        }
        int bytes = EntrySignature.sizeOf(type);
        if (!space.equals("global")) {
            d.sharedAccess(bytes);
        }
        if (!space.equals("shared")) {
            d.updatesGlobalMemory();
        }
        int first = returns ? 1 : 0;
        char file = Decoder.file(type);
        Place place = new Place(d, space, Address.read(d, s.operands().get(first), s), bytes);
        int b = d.row(s.operands().get(first + 1), file, s);
        int c = s.operands().size() > first + 2 ? d.row(s.operands().get(first + 2), file, s) : b;
        boolean ignored = !returns || s.operands().getFirst().equals("_");
        int target = ignored ? -1 : d.row(s.operands().getFirst(), file, s);
        return new Atomic(s, place, update, target, b, c, bytes);
    }

    private static Update update(String operation, String type) {
        return switch (operation + "." + type) {
            case "add.u32", "add.s32", "add.u64", "add.s64" -> (old, b, c) -> old + b;
            case "add.f32" -> (old, b, c) -> bits(Float.intBitsToFloat((int) old) + Float.intBitsToFloat((int) b));
            case "add.f64" ->
                (old, b, c) -> Double.doubleToRawLongBits(Double.longBitsToDouble(old) + Double.longBitsToDouble(b));
            case "min.s32" -> (old, b, c) -> Math.min((int) old, (int) b);
            case "max.s32" -> (old, b, c) -> Math.max((int) old, (int) b);
            case "min.u32" -> (old, b, c) -> Math.min(old & 0xffffffffL, b & 0xffffffffL);
            case "max.u32" -> (old, b, c) -> Math.max(old & 0xffffffffL, b & 0xffffffffL);
            case "min.s64" -> (old, b, c) -> Math.min(old, b);
            case "max.s64" -> (old, b, c) -> Math.max(old, b);
            case "min.u64" -> (old, b, c) -> Long.compareUnsigned(old, b) < 0 ? old : b;
            case "max.u64" -> (old, b, c) -> Long.compareUnsigned(old, b) > 0 ? old : b;
            case "inc.u32" -> (old, b, c) -> Integer.compareUnsigned((int) old, (int) b) >= 0 ? 0 : old + 1;
            case "dec.u32" ->
                (old, b, c) -> (int) old == 0 || Integer.compareUnsigned((int) old, (int) b) > 0 ? b : old - 1;
            case "and.b32", "and.b64" -> (old, b, c) -> old & b;
            case "or.b32", "or.b64" -> (old, b, c) -> old | b;
            case "xor.b32", "xor.b64" -> (old, b, c) -> old ^ b;
            case "exch.b32", "exch.b64" -> (old, b, c) -> b;
            case "cas.b32" -> (old, b, c) -> (int) old == (int) b ? c : old;
            case "cas.b64" -> (old, b, c) -> old == b ? c : old;
            default -> null;
        };
    }

    private static long bits(float value) {
        return Float.floatToRawIntBits(value);
    }

    private static final class Atomic extends Instruction {
        private final Place place;
        private final Update update;
        private final int target;
        private final int b;
        private final int c;
        private final int bytes;

        Atomic(Statement s, Place place, Update update, int target, int b, int c, int bytes) {
            super(s, Kind.PLAIN);
            this.place = place;
            this.update = update;
            this.target = target;
            this.b = b;
            this.c = c;
            this.bytes = bytes;
        }

        @Override
        void execute(Warp w, int active) {
            boolean quad = bytes == 8;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                long at = place.resolve(w, lane, this);
                long old = Place.read(w, lane, at, bytes);
                long value = quad
                        ? update.of(old, w.q[b + lane], w.q[c + lane])
                        : update.of(old, w.r[b + lane], w.r[c + lane]);
                if (Place.isShared(at)) {
                    w.block.shared.atomic(w, lane, this, Place.offset(at), bytes);
                    Place.store(w, at, bytes, value);
                } else {
                    Place.write(w, lane, this, at, bytes, value);
                }
                if (target >= 0) {
                    if (quad) {
                        w.q[target + lane] = old;
                    } else {
                        w.r[target + lane] = (int) old;
                    }
                }
            }
        }
    }
}
