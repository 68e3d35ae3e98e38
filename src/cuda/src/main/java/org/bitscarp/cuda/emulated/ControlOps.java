package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.emulated.ptx.Statement;

/** Branches, returns and barriers of the block (PTX ISA, sections 9.7.12 and 9.7.13). */
final class ControlOps {
    private ControlOps() {}

    static Instruction decode(Decoder d, Statement s) {
        return switch (s.opcode()) {
            case "bra", "bra.uni" -> new Branch(s, d.label(s.operands().getFirst(), s));
            case "brx.idx", "brx.idx.uni" ->
                new IndexedBranch(
                        s,
                        d.row(s.operands().getFirst(), 'w', s),
                        d.jumpTable(s.operands().get(1), s).stream()
                                .mapToInt(l -> d.label(l, s))
                                .toArray());
            case "ret", "exit", "ret.uni" -> new Exit(s);
            case "trap" -> new Trap(s);
            case "bar.sync", "barrier.sync", "barrier.sync.aligned" ->
                s.operands().size() == 1 ? new Barrier(s) : null;
            case "bar.red.popc.u32", "bar.red.and.pred", "bar.red.or.pred" ->
                s.operands().size() == 3 ? reduction(d, s) : null;
            // Everything is ordered here already: warps of a block take turns.
            case "membar.cta",
                    "membar.gl",
                    "membar.sys",
                    "fence.acq_rel.gpu",
                    "fence.acq_rel.cta",
                    "fence.acq_rel.sys",
                    "fence.sc.cta",
                    "fence.sc.gpu",
                    "fence.sc.sys",
                    "nanosleep.u32" -> new Nothing(s);
            default -> s.opcode().startsWith("prefetch") ? new Nothing(s) : null;
        };
    }

    private static Instruction reduction(Decoder d, Statement s) {
        String kind = s.opcode().split("\\.")[2];
        String predicate = s.operands().get(2);
        boolean negated = predicate.startsWith("!");
        int p = d.row(negated ? predicate.substring(1) : predicate, 'p', s);
        return new Reduction(s, kind, d.row(s.operands().getFirst(), kind.equals("popc") ? 'w' : 'p', s), p, negated);
    }

    private static final class Branch extends Instruction {
        private final int to;

        Branch(Statement s, int to) {
            super(s, Kind.BRANCH);
            this.to = to;
        }

        @Override
        void execute(Warp warp, int active) {}

        @Override
        int target(Warp warp, int lane) {
            return to;
        }
    }

    /** A jump table. */
    static final class IndexedBranch extends Instruction {
        private final int index;
        private final int[] targets;

        IndexedBranch(Statement s, int index, int[] targets) {
            super(s, Kind.BRANCH);
            this.index = index;
            this.targets = targets;
        }

        @Override
        void execute(Warp warp, int active) {}

        @Override
        int target(Warp w, int lane) {
            int i = w.r[index + lane];
            if (i < 0 || i >= targets.length) {
                throw fault(w, lane, "index " + i + " is outside of " + targets.length + " branch targets");
            }
            return targets[i];
        }
    }

    static final class Exit extends Instruction {
        Exit(Statement s) {
            super(s, Kind.EXIT);
        }

        @Override
        void execute(Warp warp, int active) {}
    }

    private static final class Nothing extends Instruction {
        Nothing(Statement s) {
            super(s, Kind.PLAIN);
        }

        @Override
        void execute(Warp warp, int active) {}
    }

    private static final class Trap extends Instruction {
        Trap(Statement s) {
            super(s, Kind.PLAIN);
        }

        @Override
        void execute(Warp warp, int active) {
            throw fault(warp, Warp.lane(active), "the kernel stops itself");
        }
    }

    private static final class Barrier extends Instruction {
        Barrier(Statement s) {
            super(s, Kind.BARRIER);
        }

        @Override
        void execute(Warp warp, int active) {}
    }

    /** {@code __syncthreads_count}, {@code _and}, {@code _or}. */
    private static final class Reduction extends Instruction {
        private final String kind;
        private final int d;
        private final int p;
        private final boolean negated;

        Reduction(Statement s, String kind, int d, int p, boolean negated) {
            super(s, Kind.BARRIER);
            this.kind = kind;
            this.d = d;
            this.p = p;
            this.negated = negated;
        }

        @Override
        void execute(Warp warp, int active) {}

        @Override
        void meet(Warp[] warps) {
            int threads = 0;
            int count = 0;
            for (Warp w : warps) {
                threads += Integer.bitCount(w.live());
                count += Integer.bitCount((negated ? ~w.p[p] : w.p[p]) & w.live());
            }
            for (Warp w : warps) {
                switch (kind) {
                    case "popc" -> java.util.Arrays.fill(w.r, d, d + Warp.LANES, count);
                    case "and" -> w.p[d] = count == threads ? -1 : 0;
                    default -> w.p[d] = count > 0 ? -1 : 0;
                }
            }
        }
    }
}
