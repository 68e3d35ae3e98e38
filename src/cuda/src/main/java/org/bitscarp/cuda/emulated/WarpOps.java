package org.bitscarp.cuda.emulated;

import java.util.function.IntBinaryOperator;
import org.bitscarp.cuda.emulated.ptx.Statement;

/** What lanes of a warp do together: shuffles, votes, reductions (PTX ISA, sections 9.7.8.6 and 9.7.12). */
final class WarpOps {
    private WarpOps() {}

    static Instruction decode(Decoder d, Statement s) {
        return switch (s.opcode()) {
            case "bar.warp.sync" -> new Sync(s, d.row(s.operands().getFirst(), 'w', s));
            case "activemask.b32" -> new ActiveMask(s, d.row(s.operands().getFirst(), 'w', s));
            case "shfl.sync.up.b32", "shfl.sync.down.b32", "shfl.sync.bfly.b32", "shfl.sync.idx.b32" -> shuffle(d, s);
            case "vote.sync.all.pred", "vote.sync.any.pred", "vote.sync.uni.pred", "vote.sync.ballot.b32" -> vote(d, s);
            case "match.any.sync.b32" ->
                new Match(
                        s,
                        d.row(s.operands().get(0), 'w', s),
                        d.row(s.operands().get(1), 'w', s),
                        members(d, s, 2));
            default -> s.opcode().startsWith("redux.sync.") ? reduction(d, s) : null;
        };
    }

    private static int members(Decoder d, Statement s, int operand) {
        return d.row(s.operands().get(operand), 'w', s);
    }

    private static Instruction shuffle(Decoder d, Statement s) {
        String[] targets = s.operands().getFirst().split("\\|");
        return new Shuffle(
                s,
                d.row(targets[0], 'w', s),
                targets.length > 1 ? d.row(targets[1], 'p', s) : -1,
                d.row(s.operands().get(1), 'w', s),
                d.row(s.operands().get(2), 'w', s),
                d.row(s.operands().get(3), 'w', s),
                members(d, s, 4));
    }

    private static Instruction vote(Decoder d, Statement s) {
        String a = s.operands().get(1);
        boolean negated = a.startsWith("!");
        String mode = s.opcode().split("\\.")[2];
        int target = d.row(s.operands().getFirst(), mode.equals("ballot") ? 'w' : 'p', s);
        return new Vote(s, mode, target, d.row(negated ? a.substring(1) : a, 'p', s), negated, members(d, s, 2));
    }

    private static Instruction reduction(Decoder d, Statement s) {
        IntBinaryOperator f = switch (s.opcode()) {
            case "redux.sync.add.s32", "redux.sync.add.u32" -> Integer::sum;
            case "redux.sync.min.s32" -> Math::min;
            case "redux.sync.max.s32" -> Math::max;
            case "redux.sync.min.u32" -> (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b;
            case "redux.sync.max.u32" -> (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b;
            case "redux.sync.and.b32" -> (a, b) -> a & b;
            case "redux.sync.or.b32" -> (a, b) -> a | b;
            case "redux.sync.xor.b32" -> (a, b) -> a ^ b;
            default -> null;
        };
        return f == null
                ? null
                : new Reduction(
                        s,
                        f,
                        d.row(s.operands().get(0), 'w', s),
                        d.row(s.operands().get(1), 'w', s),
                        members(d, s, 2));
    }

    /** An instruction with a mask of the lanes that take part; lanes with other masks at the same place are another group. */
    private abstract static class Collective extends Instruction {
        private final int members;

        Collective(Statement s, int members) {
            super(s, Kind.WARP);
            this.members = members;
        }

        /** Executes for lanes that take part together. */
        abstract void together(Warp w, int active);

        @Override
        final void execute(Warp w, int active) {
            int rest = active;
            while (rest != 0) {
                int group = w.r[members + Warp.lane(rest)] & rest;
                together(w, group);
                rest &= ~group;
            }
        }

        @Override
        final int members(Warp w, int active) {
            int named = 0;
            int rest = active;
            while (rest != 0) {
                int mask = w.r[members + Warp.lane(rest)];
                if ((mask >>> Warp.lane(rest) & 1) == 0) {
                    throw fault(
                            w,
                            Warp.lane(rest),
                            String.format("comes here but is not in the mask 0x%08x of lanes that take part", mask));
                }
                if ((mask & named) != 0) {
                    throw fault(
                            w,
                            Warp.lane(rest),
                            String.format("names lanes 0x%08x, which others here name with other lanes", mask & named));
                }
                named |= mask;
                rest &= ~mask;
            }
            return named;
        }
    }

    /** {@code __syncwarp}: orders accesses to memory among the lanes. */
    static final class Sync extends Collective {
        Sync(Statement s, int members) {
            super(s, members);
        }

        @Override
        void together(Warp w, int active) {
            w.interval++;
        }
    }

    private static final class ActiveMask extends Instruction {
        private final int d;

        ActiveMask(Statement s, int d) {
            super(s, Kind.PLAIN);
            this.d = d;
        }

        @Override
        void execute(Warp w, int active) {
            for (int rest = active; rest != 0; rest &= rest - 1) {
                w.r[d + Warp.lane(rest)] = active;
            }
        }
    }

    private static final class Shuffle extends Collective {
        private final char mode;
        private final int d;
        private final int p;
        private final int a;
        private final int b;
        private final int c;

        Shuffle(Statement s, int d, int p, int a, int b, int c, int members) {
            super(s, members);
            this.mode = s.opcode().split("\\.")[2].charAt(0);
            this.d = d;
            this.p = p;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void together(Warp w, int active) {
            System.arraycopy(w.r, a, w.saved, 0, Warp.LANES);
            int valid = 0;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                int from = w.r[b + lane] & 31;
                int segment = w.r[c + lane] >>> 8 & 31;
                int bound = (lane & segment) | (w.r[c + lane] & 31 & ~segment);
                int j = switch (mode) {
                    case 'u' -> lane - from;
                    case 'd' -> lane + from;
                    case 'b' -> lane ^ from;
                    default -> (lane & segment) | (from & ~segment);
                };
                boolean inside = mode == 'u' ? j >= bound : j <= bound;
                if (!inside) {
                    j = lane;
                }
                if ((active >>> j & 1) == 0) {
                    throw fault(w, lane, "reads lane " + j + ", which does not take part");
                }
                valid |= (inside ? 1 : 0) << lane;
                w.r[d + lane] = w.saved[j];
            }
            if (p >= 0) {
                w.p[p] = (w.p[p] & ~active) | valid;
            }
        }
    }

    private static final class Vote extends Collective {
        private final String mode;
        private final int d;
        private final int a;
        private final boolean negated;

        Vote(Statement s, String mode, int d, int a, boolean negated, int members) {
            super(s, members);
            this.mode = mode;
            this.d = d;
            this.a = a;
            this.negated = negated;
        }

        @Override
        void together(Warp w, int active) {
            int votes = (negated ? ~w.p[a] : w.p[a]) & active;
            boolean result = switch (mode) {
                case "all" -> votes == active;
                case "any" -> votes != 0;
                default -> votes == active || votes == 0;
            };
            if (!mode.equals("ballot")) {
                w.p[d] = (w.p[d] & ~active) | (result ? active : 0);
                return;
            }
            for (int rest = active; rest != 0; rest &= rest - 1) {
                w.r[d + Warp.lane(rest)] = votes;
            }
        }
    }

    private static final class Match extends Collective {
        private final int d;
        private final int a;

        Match(Statement s, int d, int a, int members) {
            super(s, members);
            this.d = d;
            this.a = a;
        }

        @Override
        void together(Warp w, int active) {
            System.arraycopy(w.r, a, w.saved, 0, Warp.LANES);
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                int equal = 0;
                for (int other = active; other != 0; other &= other - 1) {
                    int j = Warp.lane(other);
                    equal |= (w.saved[j] == w.saved[lane] ? 1 : 0) << j;
                }
                w.r[d + lane] = equal;
            }
        }
    }

    private static final class Reduction extends Collective {
        private final IntBinaryOperator f;
        private final int d;
        private final int a;

        Reduction(Statement s, IntBinaryOperator f, int d, int a, int members) {
            super(s, members);
            this.f = f;
            this.d = d;
            this.a = a;
        }

        @Override
        void together(Warp w, int active) {
            int result = w.r[a + Warp.lane(active)];
            for (int rest = active & (active - 1); rest != 0; rest &= rest - 1) {
                result = f.applyAsInt(result, w.r[a + Warp.lane(rest)]);
            }
            for (int rest = active; rest != 0; rest &= rest - 1) {
                w.r[d + Warp.lane(rest)] = result;
            }
        }
    }
}
