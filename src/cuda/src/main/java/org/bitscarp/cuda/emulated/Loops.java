package org.bitscarp.cuda.emulated;

import java.util.function.DoubleBinaryOperator;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * Loops over lanes around a function of one lane. Instructions that kernels execute most have loops of their own instead,
 * which the compiler of the virtual machine optimises each by itself.
 */
final class Loops {
    @FunctionalInterface
    interface IntTernary {
        int of(int a, int b, int c);
    }

    @FunctionalInterface
    interface LongTernary {
        long of(long a, long b, long c);
    }

    private Loops() {}

    static Form words(IntUnaryOperator f) {
        return new Form('w', "w", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.r[d + i] = f.applyAsInt(w.r[a + i]);
            }
        });
    }

    static Form words(IntBinaryOperator f) {
        return new Form('w', "ww", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.r[d + i] = f.applyAsInt(w.r[a + i], w.r[b + i]);
            }
        });
    }

    static Form words(IntTernary f) {
        return new Form('w', "www", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.r[d + i] = f.of(w.r[a + i], w.r[b + i], w.r[c + i]);
            }
        });
    }

    /** 16-bit values, whose upper half in a register is zero. */
    static Form halves(IntUnaryOperator f) {
        return new Form('w', "h", words(x -> f.applyAsInt(x) & 0xffff).op());
    }

    static Form halves(IntBinaryOperator f) {
        return new Form('w', "hh", words((x, y) -> f.applyAsInt(x, y) & 0xffff).op());
    }

    static Form halves(IntTernary f) {
        return new Form('w', "hhh", words((x, y, z) -> f.of(x, y, z) & 0xffff).op());
    }

    static Form quads(LongUnaryOperator f) {
        return new Form('q', "q", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.q[d + i] = f.applyAsLong(w.q[a + i]);
            }
        });
    }

    static Form quads(LongBinaryOperator f) {
        return new Form('q', "qq", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.q[d + i] = f.applyAsLong(w.q[a + i], w.q[b + i]);
            }
        });
    }

    static Form quads(LongTernary f) {
        return new Form('q', "qqq", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.q[d + i] = f.of(w.q[a + i], w.q[b + i], w.q[c + i]);
            }
        });
    }

    /** 64-bit values and a 32-bit one, such as a shift. */
    static Form quadsByWord(LongBinaryOperator f) {
        return new Form('q', "qw", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.q[d + i] = f.applyAsLong(w.q[a + i], w.r[b + i] & 0xffffffffL);
            }
        });
    }

    static Form doubles(DoubleBinaryOperator f) {
        return quads((x, y) ->
                Double.doubleToRawLongBits(f.applyAsDouble(Double.longBitsToDouble(x), Double.longBitsToDouble(y))));
    }
}
