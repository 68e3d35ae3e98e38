package org.bitscarp.cuda.emulated;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Shared memory of one block, and who touched it when. Memory is tracked in granules as small as the kernel's narrowest
 * access, at most four bytes.
 *
 * <p>Two accesses of different threads to a granule are ordered when a barrier of the block lies between them, or a
 * {@code bar.warp.sync} if both are of one warp. Unordered, and at least one of them a write, they are a race; two writes
 * of the same value are let pass, and so are atomics among themselves.
 */
final class SharedMemory {
    static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    // A stamp: interval of the block (28 bits), interval of the warp (20), thread (10), three flags. 0 is never.
    private static final int BLOCK_SHIFT = 34;
    private static final int WARP_SHIFT = 14;
    private static final long WARP_MASK = (1 << 20) - 1;
    private static final int THREAD_SHIFT = 4;
    private static final long THREAD_MASK = 1023;
    /** The write was an atomic. */
    private static final long ATOMIC = 1;
    /** More than one lane of the warp has read. */
    private static final long LANES = 2;
    /** More than one warp has read. */
    private static final long WARPS = 4;
    /** A {@code cp.async} is on its way here. */
    private static final long PENDING = 8;

    final byte[] bytes;
    private final int granuleShift;
    private final long[] writes;
    private final long[] reads;
    private long blockInterval = 1;

    SharedMemory(int size, int granule) {
        bytes = new byte[size];
        granuleShift = Integer.numberOfTrailingZeros(granule);
        writes = new long[(size + granule - 1) / granule];
        reads = new long[writes.length];
    }

    /** A new block begins: nothing is written. */
    void reset() {
        Arrays.fill(writes, 0);
        Arrays.fill(reads, 0);
        blockInterval = 1;
    }

    void barrier() {
        blockInterval++;
    }

    private long stamp(Warp w, int lane) {
        return blockInterval << BLOCK_SHIFT
                | (w.interval & WARP_MASK) << WARP_SHIFT
                | (long) w.thread(lane) << THREAD_SHIFT;
    }

    /** Checks bounds and alignment. */
    void check(Warp w, int lane, Instruction in, long address, int size) {
        if (address < 0 || address + size > bytes.length) {
            throw in.fault(
                    w,
                    lane,
                    String.format(
                            "%d bytes at shared address 0x%x are outside of the block's %d bytes",
                            size, address, bytes.length));
        }
        if ((address & (size - 1)) != 0) {
            throw in.fault(w, lane, String.format("shared address 0x%x is not aligned to %d bytes", address, size));
        }
    }

    /** Checks and notes the reads of all lanes, and gives their addresses. */
    void noteReads(Warp w, int active, Instruction in, Address address, int size, int[] addresses) {
        int first = size - 1;
        for (int rest = active; rest != 0; rest &= rest - 1) {
            int lane = Warp.lane(rest);
            long at = address.of(w, lane);
            if (at < 0 || at + size > bytes.length || (at & first) != 0) {
                check(w, lane, in, at, size);
            }
            addresses[lane] = (int) at;
            int last = ((int) at + first) >> granuleShift;
            for (int g = (int) at >> granuleShift; g <= last; g++) {
                long write = writes[g];
                // Written in an earlier interval, and known to be read by several warps: nothing can change.
                if (write == 0
                        || (write & PENDING) != 0
                        || write >>> BLOCK_SHIFT == blockInterval
                        || (reads[g] & WARPS) == 0
                        || reads[g] >>> BLOCK_SHIFT != blockInterval) {
                    read(w, lane, in, g << granuleShift, 1);
                }
            }
        }
    }

    void read(Warp w, int lane, Instruction in, int address, int size) {
        long mine = stamp(w, lane);
        int last = (address + size - 1) >> granuleShift;
        for (int g = address >> granuleShift; g <= last; g++) {
            long write = writes[g];
            if (write == 0 || (write & PENDING) != 0) {
                throw unreadable(w, lane, in, g, write);
            }
            if (write >>> BLOCK_SHIFT == blockInterval && unordered(write, mine)) {
                throw race(w, lane, in, g, write, "was written");
            }
            long read = reads[g];
            if (read >>> BLOCK_SHIFT != blockInterval) {
                reads[g] = mine;
            } else if (warp(read) == warp(mine)) {
                boolean sameInterval = warpInterval(read) == warpInterval(mine);
                long others = thread(read) == thread(mine) ? read & LANES : LANES;
                reads[g] = mine | read & WARPS | (sameInterval ? others : 0);
            } else {
                reads[g] = mine | WARPS;
            }
        }
    }

    /** Before a write; {@code changes} tells whether the value differs from what is there. */
    void write(Warp w, int lane, Instruction in, int address, int size, boolean changes) {
        long mine = stamp(w, lane);
        int last = (address + size - 1) >> granuleShift;
        for (int g = address >> granuleShift; g <= last; g++) {
            if (changes) {
                checkWrite(w, lane, in, g, mine, false);
            }
            writes[g] = mine;
        }
    }

    /** Reads and writes as one. */
    void atomic(Warp w, int lane, Instruction in, int address, int size) {
        long mine = stamp(w, lane) | ATOMIC;
        int last = (address + size - 1) >> granuleShift;
        for (int g = address >> granuleShift; g <= last; g++) {
            if (writes[g] == 0 || (writes[g] & PENDING) != 0) {
                throw unreadable(w, lane, in, g, writes[g]);
            }
            checkWrite(w, lane, in, g, mine, true);
            writes[g] = mine;
        }
    }

    /** A {@code cp.async} begins: nobody may touch its target until the copying thread has waited. */
    void pending(Warp w, int lane, Instruction in, int address, int size) {
        long mine = stamp(w, lane);
        int last = (address + size - 1) >> granuleShift;
        for (int g = address >> granuleShift; g <= last; g++) {
            checkWrite(w, lane, in, g, mine, false);
            writes[g] = mine | PENDING;
        }
    }

    /** The copying thread has waited. */
    void arrived(Warp w, int lane, int address, int size) {
        int last = (address + size - 1) >> granuleShift;
        for (int g = address >> granuleShift; g <= last; g++) {
            writes[g] = stamp(w, lane);
        }
    }

    private void checkWrite(Warp w, int lane, Instruction in, int g, long mine, boolean atomic) {
        long write = writes[g];
        if ((write & PENDING) != 0) {
            throw race(w, lane, in, g, write, "is being written by cp.async");
        }
        boolean bothAtomic = atomic && (write & ATOMIC) != 0;
        if (write >>> BLOCK_SHIFT == blockInterval && !bothAtomic && unordered(write, mine)) {
            throw race(w, lane, in, g, write, "was written");
        }
        long read = reads[g];
        if (read >>> BLOCK_SHIFT == blockInterval) {
            boolean sameInterval = warpInterval(read) == warpInterval(mine);
            if ((read & WARPS) != 0
                    || warp(read) != warp(mine)
                    || (sameInterval && ((read & LANES) != 0 || thread(read) != thread(mine)))) {
                throw race(w, lane, in, g, read, "was read");
            }
        }
    }

    private static boolean unordered(long theirs, long mine) {
        return thread(theirs) != thread(mine)
                && (warp(theirs) != warp(mine) || warpInterval(theirs) == warpInterval(mine));
    }

    private static long thread(long stamp) {
        return stamp >>> THREAD_SHIFT & THREAD_MASK;
    }

    private static long warp(long stamp) {
        return thread(stamp) / Warp.LANES;
    }

    private static long warpInterval(long stamp) {
        return stamp >>> WARP_SHIFT & WARP_MASK;
    }

    private Fault unreadable(Warp w, int lane, Instruction in, int granule, long write) {
        String what = write == 0
                ? "is read before anything is written there"
                : "is read while cp.async by " + w.block.describe((int) thread(write)) + " is on its way; wait for it";
        return in.fault(w, lane, String.format("shared address 0x%x %s", granule << granuleShift, what));
    }

    private Fault race(Warp w, int lane, Instruction in, int granule, long other, String what) {
        return in.fault(
                w,
                lane,
                String.format(
                        "race: shared address 0x%x %s by %s with no barrier between",
                        granule << granuleShift, what, w.block.describe((int) thread(other))));
    }
}
