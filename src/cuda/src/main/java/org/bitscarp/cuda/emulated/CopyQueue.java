package org.bitscarp.cuda.emulated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** {@code cp.async} of one warp that have begun and not arrived. Bytes move when a lane waits, as late as they may. */
final class CopyQueue {
    private record Copy(int lane, int group, int shared, int size, long source, int bytes) {}

    private final List<Copy> copies = new ArrayList<>();
    /** Groups committed by each lane. */
    private final int[] committed = new int[Warp.LANES];

    void clear() {
        copies.clear();
        Arrays.fill(committed, 0);
    }

    /**
     * @param source native address of {@code bytes} bytes; the rest of {@code size} becomes zero
     */
    void begin(int lane, int shared, int size, long source, int bytes) {
        copies.add(new Copy(lane, committed[lane], shared, size, source, bytes));
    }

    void commit(int active) {
        for (int rest = active; rest != 0; rest &= rest - 1) {
            committed[Warp.lane(rest)]++;
        }
    }

    /** Completes all but the youngest {@code pending} groups of the active lanes, and what is not committed if 0 of all. */
    void await(Warp w, int active, int pending, boolean all) {
        SharedMemory shared = w.block.shared;
        int kept = 0;
        for (int i = 0; i < copies.size(); i++) {
            Copy c = copies.get(i);
            boolean due = all || c.group < committed[c.lane] - pending;
            if ((active >>> c.lane & 1) != 0 && due) {
                for (int b = 0; b < c.size; b++) {
                    shared.bytes[c.shared + b] =
                            b < c.bytes ? DeviceSpace.NATIVE.get(DeviceSpace.BYTE, c.source + b) : 0;
                }
                shared.arrived(w, c.lane, c.shared, c.size);
            } else {
                copies.set(kept++, c);
            }
        }
        copies.subList(kept, copies.size()).clear();
    }
}
