package org.bitscarp.cuda.emulated;

/**
 * A live block of emulated device memory.
 *
 * @param start device address of its first byte
 * @param end device address after its last one
 * @param delta what to add to a device address to get the native one
 */
record Allocation(long start, long end, long delta, String what) {
    /** Contains no address. */
    static final Allocation NONE = new Allocation(Long.MAX_VALUE, Long.MIN_VALUE, 0, "nothing");

    boolean holds(long address, long bytes) {
        return address >= start && address + bytes <= end;
    }

    @Override
    public String toString() {
        return String.format("%s (%d bytes at 0x%x)", what, end - start, start);
    }
}
