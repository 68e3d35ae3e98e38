package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.emulated.ptx.Literal;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/**
 * {@code [register + displacement]}, {@code [name + displacement]}.
 *
 * @param row of the register, −1 for none
 * @param quad whether the register has 64 bits
 */
record Address(int row, boolean quad, long displacement) {
    /**
     * Generic addresses of shared and local memory: what {@code cvta} adds. No allocation lies that high, and the windows
     * are far apart.
     */
    static final long SHARED_WINDOW = 1L << 56;

    static final long LOCAL_WINDOW = 1L << 57;

    static Address read(Decoder d, String operand, Statement s) {
        if (!operand.startsWith("[") || !operand.endsWith("]")) {
            throw new PtxException(s.line(), "an address in brackets is expected, found " + operand);
        }
        String text = operand.substring(1, operand.length() - 1);
        int plus = sign(text);
        String base = plus < 0 ? text : text.substring(0, plus);
        var register = s.scope().find(base);
        if (register == null) {
            return new Address(-1, false, d.value(text, s));
        }
        char file = Decoder.file(register.type());
        String offset = plus < 0 ? "0" : text.substring(text.charAt(plus) == '+' ? plus + 1 : plus);
        return new Address(d.row(base, file, s), file == 'q', Literal.bits(offset, s.line()));
    }

    /** Where the sign before a displacement stands, −1 without one; {@code +-4} has it at the plus. */
    static int sign(String text) {
        int plus = text.indexOf('+', 1);
        return plus >= 0 ? plus : text.indexOf('-', 1);
    }

    /** 32-bit registers are unsigned. */
    long of(Warp w, int lane) {
        if (row < 0) {
            return displacement;
        }
        return displacement + (quad ? w.q[row + lane] : w.r[row + lane] & 0xffffffffL);
    }
}
