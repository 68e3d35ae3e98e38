package org.bitscarp.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * A device that fails on purpose: at the n-th allocation, at the n-th launch, or for good at the n-th call of any kind.
 * Counts start at 1; 0 is never. Giving memory back always works, as it does on a lost device for all that a caller sees.
 */
public final class FaultyGpuDriver implements GpuDriver {
    private final GpuDriver inner;
    private final AtomicLong allocations = new AtomicLong();
    private final AtomicLong launches = new AtomicLong();
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong uploaded = new AtomicLong();
    private volatile long failingAllocation;
    private volatile long failingLaunch;
    private volatile long lastCall;
    private volatile Consumer<GpuFunction> beforeLaunch = function -> {};

    public FaultyGpuDriver(GpuDriver inner) {
        this.inner = inner;
    }

    /** The n-th allocation from now on finds no memory. */
    public FaultyGpuDriver failAllocation(long n) {
        failingAllocation = allocations.get() + n;
        return this;
    }

    /** The n-th launch from now on fails. */
    public FaultyGpuDriver failLaunch(long n) {
        failingLaunch = launches.get() + n;
        return this;
    }

    /** The n-th call from now on and all that follow find the device gone. */
    public FaultyGpuDriver loseDevice(long n) {
        lastCall = calls.get() + n;
        return this;
    }

    /** Is shown the function of each launch before it happens, and may hold it up. */
    public FaultyGpuDriver beforeLaunch(Consumer<GpuFunction> watcher) {
        beforeLaunch = watcher;
        return this;
    }

    /** How often it was asked for memory. */
    public long allocations() {
        return allocations.get();
    }

    /** Bytes copied to the device. */
    public long uploaded() {
        return uploaded.get();
    }

    public long launches() {
        return launches.get();
    }

    public long calls() {
        return calls.get();
    }

    private void count(String what) {
        long call = calls.incrementAndGet();
        if (lastCall > 0 && call >= lastCall) {
            throw new DeviceLost(inner.device().name(), what, "lost on purpose");
        }
    }

    @Override
    public String name() {
        return inner.name();
    }

    @Override
    public DeviceInfo device() {
        return inner.device();
    }

    @Override
    public long freeMemory() {
        return inner.freeMemory();
    }

    @Override
    public long allocate(long bytes, String what) {
        count("allocation of " + what);
        if (allocations.incrementAndGet() == failingAllocation) {
            throw new OutOfDeviceMemory(what, bytes, 0, inner.device().name());
        }
        return inner.allocate(bytes, what);
    }

    @Override
    public void free(long address) {
        inner.free(address);
    }

    @Override
    public AllocationLedger ledger() {
        return inner.ledger();
    }

    @Override
    public MemorySegment allocatePinned(long bytes) {
        count("allocation of page-locked memory");
        return inner.allocatePinned(bytes);
    }

    @Override
    public void freePinned(MemorySegment pinned) {
        inner.freePinned(pinned);
    }

    @Override
    public void copyToDevice(long target, MemorySegment source, GpuStream stream) {
        count("copy to the device");
        uploaded.addAndGet(source.byteSize());
        inner.copyToDevice(target, source, stream);
    }

    @Override
    public void copyToHost(MemorySegment target, long source, GpuStream stream) {
        count("copy to the host");
        inner.copyToHost(target, source, stream);
    }

    @Override
    public void copyOnDevice(long target, long source, long bytes, GpuStream stream) {
        count("copy on the device");
        inner.copyOnDevice(target, source, bytes, stream);
    }

    @Override
    public void fill(long target, long bytes, byte value, GpuStream stream) {
        count("fill");
        inner.fill(target, bytes, value, stream);
    }

    @Override
    public GpuModule load(String name, String ptx) {
        count("loading " + name);
        return inner.load(name, ptx);
    }

    @Override
    public void launch(
            GpuFunction function,
            Grid grid,
            Block block,
            int sharedBytes,
            GpuStream stream,
            KernelArguments arguments) {
        beforeLaunch.accept(function);
        count("launch of " + function.name());
        if (launches.incrementAndGet() == failingLaunch) {
            throw new LaunchFailed(
                    function.name(), grid, block, sharedBytes, inner.device().name(), "failed on purpose");
        }
        inner.launch(function, grid, block, sharedBytes, stream, arguments);
    }

    @Override
    public GpuStream defaultStream() {
        return inner.defaultStream();
    }

    @Override
    public GpuStream newStream() {
        count("making a stream");
        return inner.newStream();
    }

    @Override
    public GpuEvent newEvent() {
        count("making an event");
        return inner.newEvent();
    }

    @Override
    public void synchronize() {
        count("waiting for the device");
        inner.synchronize();
    }

    @Override
    public void close() {
        inner.close();
    }
}
