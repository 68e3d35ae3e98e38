package org.bitscarp.eval.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory for one use after the other, as large as the largest: the system clears fresh memory first. */
final class ReusedMemory implements AutoCloseable {
    private Arena arena = Arena.ofShared();
    private MemorySegment memory = MemorySegment.NULL;

    /** At least {@code bytes} bytes that hold anything, in place of what was taken before. */
    MemorySegment take(long bytes) {
        if (bytes > memory.byteSize()) {
            arena.close();
            arena = Arena.ofShared();
            memory = arena.allocate(bytes, 64);
        }
        return memory;
    }

    @Override
    public void close() {
        arena.close();
    }
}
