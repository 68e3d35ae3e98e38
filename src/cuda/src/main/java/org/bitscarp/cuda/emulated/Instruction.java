package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.emulated.ptx.Statement;

/** A decoded instruction of one kernel. Holds no state of a run. */
abstract class Instruction {
    /** What the warp has to do about it beyond executing. */
    enum Kind {
        /** Each lane for itself. */
        PLAIN,
        BRANCH,
        EXIT,
        /** All threads of the block meet. */
        BARRIER,
        /** The lanes that {@link #members} names meet. */
        WARP
    }

    final Statement source;
    final Kind kind;
    /** Number of the guarding predicate, −1 for none. */
    int guard = -1;

    boolean guardNegated;

    Instruction(Statement source, Kind kind) {
        this.source = source;
        this.kind = kind;
    }

    /** Executes for the lanes whose bits are set in {@code active}, which is not 0. */
    abstract void execute(Warp warp, int active);

    /** For {@link Kind#WARP}: lanes that have to come. */
    int members(Warp warp, int active) {
        return -1;
    }

    /** For {@link Kind#BRANCH}: number of the next instruction for {@code lane}. */
    int target(Warp warp, int lane) {
        throw new IllegalStateException(source.toString());
    }

    /** For {@link Kind#BARRIER}: all warps of the block have come. */
    void meet(Warp[] warps) {}

    final int active(Warp warp, int mask) {
        if (guard < 0) {
            return mask;
        }
        int p = warp.p[guard];
        return mask & (guardNegated ? ~p : p);
    }

    /** Names instruction and thread. */
    final Fault fault(Warp warp, int lane, String what) {
        return new Fault(source + ": " + warp.describe(lane) + ": " + what);
    }
}
