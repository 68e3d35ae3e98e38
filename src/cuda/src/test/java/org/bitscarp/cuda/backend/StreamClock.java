package org.bitscarp.cuda.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bitscarp.cuda.driver.AllocationLedger;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.DeviceInfo;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuModule;
import org.bitscarp.cuda.driver.GpuStream;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;

/**
 * A device that does nothing but remember what work has to wait for what: each fill is a piece of work, and {@link #after}
 * tells whether streams and events force one behind another. The emulated device cannot tell, it works at once.
 */
final class StreamClock implements GpuDriver {
    private final AllocationLedger ledger = new AllocationLedger();
    private final List<Set<Integer>> before = new ArrayList<>();
    private long next = 256;

    private final class Stream implements GpuStream {
        private final Set<Integer> done = new HashSet<>();

        @Override
        public void synchronize() {}

        @Override
        public void await(GpuEvent event) {
            done.addAll(((Event) event).done);
        }

        @Override
        public void close() {}
    }

    private static final class Event implements GpuEvent {
        private Set<Integer> done = Set.of();

        @Override
        public void record(GpuStream stream) {
            done = Set.copyOf(((Stream) stream).done);
        }

        @Override
        public void synchronize() {}

        @Override
        public float millisecondsSince(GpuEvent start) {
            return 0;
        }

        @Override
        public void close() {}
    }

    /** Pieces of work so far. */
    int pieces() {
        return before.size();
    }

    /** Whether piece {@code later} can only begin when {@code earlier} is done. */
    boolean after(int later, int earlier) {
        return before.get(later).contains(earlier);
    }

    @Override
    public void fill(long target, long bytes, byte value, GpuStream stream) {
        Set<Integer> done = ((Stream) stream).done;
        before.add(Set.copyOf(done));
        done.add(before.size() - 1);
    }

    @Override
    public GpuStream newStream() {
        return new Stream();
    }

    @Override
    public GpuStream defaultStream() {
        return new Stream();
    }

    @Override
    public GpuEvent newEvent() {
        return new Event();
    }

    @Override
    public String name() {
        return "clock";
    }

    @Override
    public DeviceInfo device() {
        return new DeviceInfo(0, "clock", 80, 1, 1 << 30, 1, 1, 1, 1024, 12000);
    }

    @Override
    public long freeMemory() {
        return 1 << 30;
    }

    @Override
    public long allocate(long bytes, String what) {
        next += 256;
        ledger.allocated(next, bytes, what);
        return next;
    }

    @Override
    public void free(long address) {
        ledger.freed(address);
    }

    @Override
    public AllocationLedger ledger() {
        return ledger;
    }

    @Override
    public MemorySegment allocatePinned(long bytes) {
        return Arena.ofAuto().allocate(bytes);
    }

    @Override
    public void freePinned(MemorySegment pinned) {}

    @Override
    public void copyToDevice(long target, MemorySegment source, GpuStream stream) {}

    @Override
    public void copyToHost(MemorySegment target, long source, GpuStream stream) {}

    @Override
    public void copyOnDevice(long target, long source, long bytes, GpuStream stream) {}

    @Override
    public GpuModule load(String name, String ptx) {
        throw new AssertionError("no kernels here");
    }

    @Override
    public void launch(
            GpuFunction function,
            Grid grid,
            Block block,
            int sharedBytes,
            GpuStream stream,
            KernelArguments arguments) {
        throw new AssertionError("no kernels here");
    }

    @Override
    public void synchronize() {}

    @Override
    public void close() {}
}
