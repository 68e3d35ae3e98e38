package org.bitscarp.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Counts what is allocated on a device, to the byte. Used by every driver, from any thread. */
public final class AllocationLedger {
    /**
     * A block of device memory.
     *
     * @param address its first byte
     * @param bytes as asked for
     * @param what whose it is
     */
    public record Entry(long address, long bytes, String what) {
        @Override
        public String toString() {
            return String.format("%s (%d bytes at 0x%x)", what, bytes, address);
        }
    }

    private final Map<Long, Entry> live = new ConcurrentSkipListMap<>();
    private long bytes;
    private long peak;

    public synchronized void allocated(long address, long size, String what) {
        live.put(address, new Entry(address, size, what));
        bytes += size;
        peak = Math.max(peak, bytes);
    }

    /** @throws IllegalArgumentException when nothing is allocated there, e.g. any more */
    public synchronized Entry freed(long address) {
        Entry entry = live.remove(address);
        if (entry == null) {
            throw new IllegalArgumentException(
                    String.format("0x%x is freed but not allocated, perhaps freed before", address));
        }
        bytes -= entry.bytes;
        return entry;
    }

    /** Bytes allocated now. */
    public synchronized long bytes() {
        return bytes;
    }

    /** Most bytes that were allocated at the same time. */
    public synchronized long peak() {
        return peak;
    }

    /** What is allocated now, by address. */
    public synchronized List<Entry> live() {
        return new ArrayList<>(live.values());
    }

    /** @throws IllegalStateException when something is still allocated; the message lists it */
    public void requireEmpty() {
        List<Entry> leaks = live();
        if (!leaks.isEmpty()) {
            throw new IllegalStateException(leaks.size() + " blocks of device memory were not freed: "
                    + leaks.subList(0, Math.min(8, leaks.size())) + (leaks.size() > 8 ? ", …" : ""));
        }
    }
}
