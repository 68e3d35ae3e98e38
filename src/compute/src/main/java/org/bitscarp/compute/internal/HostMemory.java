package org.bitscarp.compute.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Off-heap floats for vector loops. */
final class HostMemory {
    /** A cache line, and the widest vector. */
    private static final int ALIGNMENT = 64;

    private HostMemory() {}

    /**
     * Zeroed floats that live as long as the arena does.
     *
     * <p>The segment itself belongs to the global session, whatever the arena: the compiler specialises each vector load
     * for the session classes it has met there, and from the third class on a load is several times slower (measured on
     * JDK 25: a matrix product fell from 105 to 25 GFLOP/s). The price is that use after the arena is closed is not
     * caught; whoever owns tensors closes their memory last.
     */
    static MemorySegment allocate(Arena arena, long floats) {
        MemorySegment owned = arena.allocate(4 * floats, ALIGNMENT);
        return MemorySegment.ofAddress(owned.address()).reinterpret(owned.byteSize());
    }
}
