package org.bitscarp.cuda.emulated;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Emulated device memory. Addresses are handed out in order and never again, with a gap between blocks, so that a run
 * gives the same addresses each time and neither an overrun nor a freed address hits another block. New memory holds
 * {@code 0xff} in every byte: NaN as floats of any width.
 */
final class DeviceSpace {
    private static final long FIRST = 0x7_0000_0000L;
    private static final long ALIGN = 256;
    private static final long GAP = 4096;

    /** All of this process's memory; every access to it has been checked against an {@link Allocation}. */
    static final MemorySegment NATIVE = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final long total;
    private final Map<Long, Arena> arenas = new HashMap<>();
    private volatile Allocation[] live = {};
    private long next = FIRST;
    private long used;

    DeviceSpace(long total) {
        this.total = total;
    }

    synchronized long free() {
        return total - used;
    }

    /** 0 when there is not that much left. */
    synchronized long allocate(long bytes, String what) {
        if (bytes > total - used) {
            return 0;
        }
        Arena arena = Arena.ofShared();
        MemorySegment memory = arena.allocate(bytes, ALIGN);
        memory.fill((byte) 0xff);
        long start = next;
        next = (start + bytes + GAP + ALIGN - 1) / ALIGN * ALIGN;
        used += bytes;
        arenas.put(start, arena);
        Allocation[] more = Arrays.copyOf(live, live.length + 1);
        more[live.length] = new Allocation(start, start + bytes, memory.address() - start, what);
        live = more;
        return start;
    }

    synchronized void release(long address) {
        Allocation[] before = live;
        for (int i = 0; i < before.length; i++) {
            if (before[i].start() == address) {
                Allocation[] fewer = new Allocation[before.length - 1];
                System.arraycopy(before, 0, fewer, 0, i);
                System.arraycopy(before, i + 1, fewer, i, fewer.length - i);
                live = fewer;
                used -= before[i].end() - before[i].start();
                arenas.remove(address).close();
                return;
            }
        }
    }

    synchronized void close() {
        live = new Allocation[0];
        arenas.values().forEach(Arena::close);
        arenas.clear();
        used = 0;
    }

    /** The block that holds all of these bytes, or null. */
    Allocation find(long address, long bytes) {
        Allocation[] sorted = live;
        int low = 0;
        int high = sorted.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle].start() <= address) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high >= 0 && sorted[high].holds(address, bytes) ? sorted[high] : null;
    }

    /** A view of device memory, or a fault that says what {@code during} wanted. */
    MemorySegment view(long address, long bytes, String during) {
        Allocation found = find(address, bytes);
        if (found == null) {
            throw new Fault(during + ": " + outside(address, bytes));
        }
        return NATIVE.asSlice(address + found.delta(), bytes);
    }

    /** Says where an address outside of all blocks lies. */
    String outside(long address, long bytes) {
        String where = String.format("%d bytes at 0x%x are outside of every allocation", bytes, address);
        Allocation nearest = null;
        long distance = Long.MAX_VALUE;
        for (Allocation a : live) {
            long d = address < a.start() ? a.start() - address : Math.max(0, address - a.end());
            if (d < distance) {
                distance = d;
                nearest = a;
            }
        }
        if (nearest == null) {
            return where + "; there are none";
        }
        String side = address < nearest.start()
                ? nearest.start() - address + " bytes before"
                : address + bytes - nearest.end() + " bytes past the end of";
        return where + ", " + side + " " + nearest;
    }
}
