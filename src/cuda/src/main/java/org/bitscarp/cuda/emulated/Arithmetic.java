package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.emulated.ptx.Statement;

/** An instruction that each lane executes for itself, on registers only. */
final class Arithmetic extends Instruction {
    private final char target;
    private final Op op;
    private final int d;
    private final int a;
    private final int b;
    private final int c;

    Arithmetic(Statement source, char target, Op op, int d, int a, int b, int c) {
        super(source, Kind.PLAIN);
        this.target = target;
        this.op = op;
        this.d = d;
        this.a = a;
        this.b = b;
        this.c = c;
    }

    @Override
    void execute(Warp w, int active) {
        if (active == -1) {
            op.run(w, d, a, b, c);
            return;
        }
        switch (target) {
            case 'p' -> {
                int before = w.p[d];
                op.run(w, d, a, b, c);
                w.p[d] = (w.p[d] & active) | (before & ~active);
            }
            case 'q' -> {
                System.arraycopy(w.q, d, w.savedQ, 0, Warp.LANES);
                op.run(w, d, a, b, c);
                for (int rest = ~active; rest != 0; rest &= rest - 1) {
                    int lane = Integer.numberOfTrailingZeros(rest);
                    w.q[d + lane] = w.savedQ[lane];
                }
            }
            default -> {
                System.arraycopy(w.r, d, w.saved, 0, Warp.LANES);
                op.run(w, d, a, b, c);
                for (int rest = ~active; rest != 0; rest &= rest - 1) {
                    int lane = Integer.numberOfTrailingZeros(rest);
                    w.r[d + lane] = w.saved[lane];
                }
            }
        }
    }
}
