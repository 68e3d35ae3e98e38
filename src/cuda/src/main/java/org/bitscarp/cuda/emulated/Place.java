package org.bitscarp.cuda.emulated;

/**
 * Where an access goes. Checked once, a place is a single number: a native address, or an offset in shared or local memory
 * with the bit of its window set.
 */
final class Place {
    private enum Space {
        GLOBAL,
        SHARED,
        LOCAL,
        GENERIC
    }

    private final Space space;
    private final Address address;
    private final int bytes;
    private final int slot;

    Place(Decoder d, String space, Address address, int bytes) {
        this.space = switch (space) {
            case "global", "const" -> Space.GLOBAL;
            case "shared" -> Space.SHARED;
            case "local" -> Space.LOCAL;
            default -> Space.GENERIC;
        };
        this.address = address;
        this.bytes = bytes;
        this.slot = d.newSlot();
    }

    boolean isSharedOnly() {
        return space == Space.SHARED;
    }

    boolean isGlobalOnly() {
        return space == Space.GLOBAL;
    }

    Address address() {
        return address;
    }

    int bytes() {
        return bytes;
    }

    /** {@link #resolve} for all lanes of an access to global memory. */
    void resolveGlobal(Warp w, int active, Instruction in, long[] places) {
        for (int rest = active; rest != 0; rest &= rest - 1) {
            int lane = Warp.lane(rest);
            places[lane] = global(w, lane, in, address.of(w, lane));
        }
    }

    /** Checks bounds and alignment of all bytes. */
    long resolve(Warp w, int lane, Instruction in) {
        long at = address.of(w, lane);
        return switch (space) {
            case GLOBAL -> global(w, lane, in, at);
            case SHARED -> shared(w, lane, in, at);
            case LOCAL -> local(w, lane, in, at);
            case GENERIC -> {
                if (isShared(at)) {
                    yield shared(w, lane, in, at - Address.SHARED_WINDOW);
                }
                yield isLocal(at) ? local(w, lane, in, at - Address.LOCAL_WINDOW) : global(w, lane, in, at);
            }
        };
    }

    private long global(Warp w, int lane, Instruction in, long at) {
        Allocation found = w.lastFound[slot];
        if (!found.holds(at, bytes)) {
            found = w.block.space.find(at, bytes);
            if (found == null) {
                throw in.fault(w, lane, w.block.space.outside(at, bytes));
            }
            w.lastFound[slot] = found;
        }
        if ((at & (bytes - 1)) != 0) {
            throw in.fault(w, lane, String.format("address 0x%x is not aligned to %d bytes", at, bytes));
        }
        return at + found.delta();
    }

    private long shared(Warp w, int lane, Instruction in, long at) {
        w.block.shared.check(w, lane, in, at, bytes);
        return at | Address.SHARED_WINDOW;
    }

    private long local(Warp w, int lane, Instruction in, long at) {
        int size = w.local.length / Warp.LANES;
        if (at < 0 || at + bytes > size) {
            throw in.fault(
                    w, lane, String.format("%d bytes at local address 0x%x are outside of %d bytes", bytes, at, size));
        }
        if ((at & (bytes - 1)) != 0) {
            throw in.fault(w, lane, String.format("local address 0x%x is not aligned to %d bytes", at, bytes));
        }
        return at + (long) lane * size | Address.LOCAL_WINDOW;
    }

    static boolean isShared(long place) {
        return (place & Address.SHARED_WINDOW) != 0;
    }

    static boolean isLocal(long place) {
        return (place & Address.LOCAL_WINDOW) != 0;
    }

    static int offset(long place) {
        return (int) place;
    }

    /** Reads a resolved place; reads of shared memory are to be noted by the caller. */
    static long read(Warp w, int lane, long place, int bytes) {
        if (isShared(place)) {
            return get(w.block.shared.bytes, offset(place), bytes);
        }
        if (isLocal(place)) {
            return get(w.local, offset(place), bytes);
        }
        return switch (bytes) {
            case 1 -> DeviceSpace.NATIVE.get(DeviceSpace.BYTE, place);
            case 2 -> DeviceSpace.NATIVE.get(DeviceSpace.SHORT, place);
            case 4 -> DeviceSpace.NATIVE.get(DeviceSpace.INT, place);
            default -> DeviceSpace.NATIVE.get(DeviceSpace.LONG, place);
        };
    }

    /** Writes a resolved place. */
    static void write(Warp w, int lane, Instruction in, long place, int bytes, long bits) {
        if (isShared(place)) {
            SharedMemory shared = w.block.shared;
            int at = offset(place);
            boolean changes = !same(get(shared.bytes, at, bytes), bits, bytes);
            shared.write(w, lane, in, at, bytes, changes);
            set(shared.bytes, at, bytes, bits);
        } else if (isLocal(place)) {
            set(w.local, offset(place), bytes, bits);
        } else {
            switch (bytes) {
                case 1 -> DeviceSpace.NATIVE.set(DeviceSpace.BYTE, place, (byte) bits);
                case 2 -> DeviceSpace.NATIVE.set(DeviceSpace.SHORT, place, (short) bits);
                case 4 -> DeviceSpace.NATIVE.set(DeviceSpace.INT, place, (int) bits);
                default -> DeviceSpace.NATIVE.set(DeviceSpace.LONG, place, bits);
            }
        }
    }

    /** Writes shared memory that has been noted as written. */
    static void store(Warp w, long place, int bytes, long bits) {
        set(w.block.shared.bytes, offset(place), bytes, bits);
    }

    private static boolean same(long a, long b, int bytes) {
        return bytes == 8 ? a == b : ((a ^ b) & ((1L << 8 * bytes) - 1)) == 0;
    }

    static long get(byte[] memory, int at, int bytes) {
        return switch (bytes) {
            case 1 -> memory[at];
            case 2 -> (short) SharedMemory.SHORT.get(memory, at);
            case 4 -> (int) SharedMemory.INT.get(memory, at);
            default -> (long) SharedMemory.LONG.get(memory, at);
        };
    }

    private static void set(byte[] memory, int at, int bytes, long bits) {
        switch (bytes) {
            case 1 -> memory[at] = (byte) bits;
            case 2 -> SharedMemory.SHORT.set(memory, at, (short) bits);
            case 4 -> SharedMemory.INT.set(memory, at, (int) bits);
            default -> SharedMemory.LONG.set(memory, at, bits);
        }
    }
}
