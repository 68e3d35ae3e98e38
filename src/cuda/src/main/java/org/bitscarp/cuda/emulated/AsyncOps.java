package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.emulated.ptx.Literal;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/**
 * {@code cp.async} and its groups (PTX ISA, section 9.7.8.22). Bytes arrive when the copying thread waits and no earlier,
 * and other threads see them behind the next barrier only.
 */
final class AsyncOps {
    private AsyncOps() {}

    static Instruction decode(Decoder d, Statement s) {
        if (!s.opcode().startsWith("cp.async.")) {
            return null;
        }
        return switch (s.opcode()) {
            case "cp.async.commit_group" -> new Commit(s);
            case "cp.async.wait_all" -> new Await(s, 0, true);
            case "cp.async.wait_group" ->
                new Await(s, (int) Literal.bits(s.operands().getFirst(), s.line()), false);
            default -> {
                if (!s.opcode().matches("cp\\.async\\.c[ag]\\.shared(::cta)?\\.global(\\.L2::\\w+)?")) {
                    throw new PtxException(s.line(), s.opcode() + " is not known to the emulated device");
                }
                int size = (int) Literal.bits(s.operands().get(2), s.line());
                boolean limited = s.operands().size() > 3;
                d.sharedAccess(size);
                yield new Copy(
                        s,
                        Address.read(d, s.operands().getFirst(), s),
                        Address.read(d, s.operands().get(1), s),
                        size,
                        limited ? d.row(s.operands().get(3), 'w', s) : -1);
            }
        };
    }

    private static final class Copy extends Instruction {
        private final Address target;
        private final Address source;
        private final int size;
        /** Bytes that are read, the rest is zero; −1 for all. */
        private final int read;

        Copy(Statement s, Address target, Address source, int size, int read) {
            super(s, Kind.PLAIN);
            this.target = target;
            this.source = source;
            this.size = size;
            this.read = read;
        }

        @Override
        void execute(Warp w, int active) {
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                long to = target.of(w, lane);
                long from = source.of(w, lane);
                int bytes = read < 0 ? size : w.r[read + lane];
                if (bytes < 0 || bytes > size) {
                    throw fault(w, lane, bytes + " bytes are to be read for " + size);
                }
                w.block.shared.check(w, lane, this, to, size);
                if ((from & (size - 1)) != 0) {
                    throw fault(w, lane, String.format("address 0x%x is not aligned to %d bytes", from, size));
                }
                long delta = 0;
                if (bytes > 0) {
                    Allocation found = w.block.space.find(from, bytes);
                    if (found == null) {
                        throw fault(w, lane, w.block.space.outside(from, bytes));
                    }
                    delta = found.delta();
                }
                w.block.shared.pending(w, lane, this, (int) to, size);
                w.copies.begin(lane, (int) to, size, from + delta, bytes);
            }
        }
    }

    private static final class Commit extends Instruction {
        Commit(Statement s) {
            super(s, Kind.PLAIN);
        }

        @Override
        void execute(Warp w, int active) {
            w.copies.commit(active);
        }
    }

    private static final class Await extends Instruction {
        private final int pending;
        private final boolean all;

        Await(Statement s, int pending, boolean all) {
            super(s, Kind.PLAIN);
            this.pending = pending;
            this.all = all;
        }

        @Override
        void execute(Warp w, int active) {
            w.copies.await(w, active, pending, all);
        }
    }
}
