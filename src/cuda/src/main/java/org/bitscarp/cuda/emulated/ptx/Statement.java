package org.bitscarp.cuda.emulated.ptx;

import java.util.List;

/**
 * An instruction as it is written.
 *
 * @param line in the PTX, from 1
 * @param guard name of the predicate, or empty
 * @param negated whether the guard is {@code @!p}
 * @param opcode with all its modifiers
 * @param operands as written, blanks removed
 * @param scope what names mean here
 */
public record Statement(int line, String guard, boolean negated, String opcode, List<String> operands, Scope scope) {
    @Override
    public String toString() {
        return "PTX line " + line + ": " + (guard.isEmpty() ? "" : "@" + (negated ? "!" : "") + guard + " ") + opcode
                + " " + String.join(", ", operands);
    }
}
