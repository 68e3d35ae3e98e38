package org.bitscarp.compute.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Off-heap floats. */
final class HostMemory {
    /** A cache line, and the widest vector. */
    private static final int ALIGNMENT = 64;

    private HostMemory() {}

    static MemorySegment allocate(Arena arena, long floats) {
        return arena.allocate(4 * floats, ALIGNMENT);
    }
}
