package org.bitscarp.cuda.emulated;

import java.util.Arrays;
import java.util.List;

/**
 * A decoded kernel.
 *
 * @param words rows of registers up to 32 bits
 * @param quads rows of 64-bit registers
 * @param sharedBytes static shared memory
 * @param granule bytes by which shared memory is tracked
 * @param localBytes local memory of a thread
 * @param memorySlots accesses to global memory, each of which remembers the block it last found
 * @param inOrder whether blocks have to run one after the other, because they update global memory atomically
 */
record Program(
        Instruction[] code,
        int words,
        int quads,
        int predicates,
        int sharedBytes,
        int granule,
        int localBytes,
        int memorySlots,
        boolean inOrder,
        List<Constant> constants,
        List<Special> specials) {
    /** A row of file {@code w}, {@code q} or {@code p} that holds the same bits in all lanes. */
    record Constant(char file, int row, long bits) {}

    /** A row that holds a special register such as {@code %tid.x}. */
    record Special(boolean quad, int row, String name) {}

    void fillConstants(Warp w) {
        for (Constant c : constants) {
            switch (c.file) {
                case 'p' -> w.p[c.row] = c.bits == 0 ? 0 : -1;
                case 'q' -> Arrays.fill(w.q, c.row, c.row + Warp.LANES, c.bits);
                default -> Arrays.fill(w.r, c.row, c.row + Warp.LANES, (int) c.bits);
            }
        }
    }

    /** At the start of a block. */
    void fillSpecials(Warp w) {
        for (Special s : specials) {
            for (int lane = 0; lane < Warp.LANES; lane++) {
                int value = SpecialRegisters.value(s.name, w, lane);
                if (s.quad) {
                    w.q[s.row + lane] = Integer.toUnsignedLong(value);
                } else {
                    w.r[s.row + lane] = value;
                }
            }
        }
    }
}
