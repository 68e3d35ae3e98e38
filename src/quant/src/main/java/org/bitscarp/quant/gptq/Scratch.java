package org.bitscarp.quant.gptq;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory that grows to what is asked of it and stays for whoever asks next, so that pieces of work do not each pay for fresh
 * pages. Any thread may be lent it, as all other memory that {@link RegisterTile} sees: code that is compiled for one kind of
 * owner is thrown away when it meets another.
 */
final class Scratch {
    private MemorySegment memory = MemorySegment.NULL;

    /** Freed with the scratch; the contents are what they were. */
    MemorySegment bytes(long count) {
        if (memory.byteSize() < count) {
            memory = Arena.ofAuto().allocate(count, 64);
        }
        return memory;
    }
}
