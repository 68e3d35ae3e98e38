package org.bitscarp.cuda.emulated;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bitscarp.cuda.driver.AllocationLedger;
import org.bitscarp.cuda.driver.BadModule;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.DeviceInfo;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuModule;
import org.bitscarp.cuda.driver.GpuStream;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;
import org.bitscarp.cuda.driver.LaunchFailed;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.PtxParser;

/**
 * Runs kernels on the CPU, from their PTX. Everything is done when a call returns, so streams keep order by themselves;
 * blocks run on several host threads, and what they compute does not depend on how many.
 */
public final class EmulatedGpuDriver implements GpuDriver {
    /** Of a block, without asking and with (compute capability 8.0: 163 KiB; 7.5 has 64 KiB). */
    private static final int SHARED = 48 << 10;

    private final DeviceInfo device;
    private final DeviceSpace space;
    private final AllocationLedger ledger = new AllocationLedger();
    private final Launcher launcher;
    private final Map<Long, Arena> pinned = new ConcurrentHashMap<>();
    private final GpuStream defaultStream = new Stream();

    /**
     * @param memory bytes of device memory
     * @param computeCapability major × 10 + minor; PTX for newer devices is refused
     * @param threads host threads that run blocks
     */
    public EmulatedGpuDriver(long memory, int computeCapability, int threads) {
        this.space = new DeviceSpace(memory);
        this.launcher = new Launcher(space, threads);
        this.device = new DeviceInfo(
                0,
                "emulated device",
                computeCapability,
                threads,
                memory,
                SHARED,
                computeCapability >= 80 ? 163 << 10 : 64 << 10,
                65536,
                1024,
                12000);
    }

    /** A device of compute capability 8.0 with 4 GiB, on all processors. */
    public static EmulatedGpuDriver create() {
        return new EmulatedGpuDriver(4L << 30, 80, Runtime.getRuntime().availableProcessors());
    }

    @Override
    public String name() {
        return "emulated";
    }

    @Override
    public DeviceInfo device() {
        return device;
    }

    @Override
    public long freeMemory() {
        return space.free();
    }

    @Override
    public long allocate(long bytes, String what) {
        if (bytes < 1) {
            throw new IllegalArgumentException(bytes + " bytes of device memory for " + what);
        }
        long address = space.allocate(bytes, what);
        if (address == 0) {
            throw new OutOfDeviceMemory(what, bytes, space.free(), device.name());
        }
        ledger.allocated(address, bytes, what);
        return address;
    }

    @Override
    public void free(long address) {
        ledger.freed(address);
        space.release(address);
    }

    @Override
    public AllocationLedger ledger() {
        return ledger;
    }

    @Override
    public MemorySegment allocatePinned(long bytes) {
        Arena arena = Arena.ofShared();
        MemorySegment memory = arena.allocate(bytes, 64);
        pinned.put(memory.address(), arena);
        return memory;
    }

    @Override
    public void freePinned(MemorySegment memory) {
        Arena arena = pinned.remove(memory.address());
        if (arena == null) {
            throw new IllegalArgumentException("not page-locked memory of this device, perhaps freed before");
        }
        arena.close();
    }

    @Override
    public void copyToDevice(long target, MemorySegment source, GpuStream stream) {
        view(target, source.byteSize(), "copy to the device").copyFrom(source);
    }

    @Override
    public void copyToHost(MemorySegment target, long source, GpuStream stream) {
        target.copyFrom(view(source, target.byteSize(), "copy to the host"));
    }

    @Override
    public void copyOnDevice(long target, long source, long bytes, GpuStream stream) {
        view(target, bytes, "copy on the device").copyFrom(view(source, bytes, "copy on the device"));
    }

    @Override
    public void fill(long target, long bytes, byte value, GpuStream stream) {
        view(target, bytes, "fill").fill(value);
    }

    private MemorySegment view(long address, long bytes, String during) {
        try {
            return space.view(address, bytes, during);
        } catch (Fault e) {
            throw new GpuException(e.getMessage());
        }
    }

    @Override
    public GpuModule load(String name, String ptx) {
        try {
            var module = PtxParser.parse(ptx);
            if (module.target() > device.computeCapability()) {
                throw new BadModule(name, device.name(), "they are for sm_" + module.target());
            }
            return new LoadedModule(this, space, name, module, EntrySignature.readAll(ptx));
        } catch (PtxException e) {
            throw new BadModule(name, device.name(), e.getMessage());
        }
    }

    @Override
    public void launch(
            GpuFunction function,
            Grid grid,
            Block block,
            int sharedBytes,
            GpuStream stream,
            KernelArguments arguments) {
        LoadedFunction loaded = (LoadedFunction) function;
        var parameters = arguments.layout(loaded.signature());
        String refusal = loaded.refusal(grid, block, sharedBytes);
        if (refusal != null) {
            throw new LaunchFailed(loaded.name(), grid, block, sharedBytes, device.name(), refusal);
        }
        try {
            launcher.run(loaded.program(), parameters, grid, block, sharedBytes);
        } catch (Fault e) {
            throw new LaunchFailed(loaded.name(), grid, block, sharedBytes, device.name(), e.getMessage());
        }
    }

    @Override
    public GpuStream defaultStream() {
        return defaultStream;
    }

    @Override
    public GpuStream newStream() {
        return new Stream();
    }

    @Override
    public GpuEvent newEvent() {
        return new Event();
    }

    @Override
    public void synchronize() {}

    @Override
    public void close() {
        launcher.close();
        space.close();
        pinned.values().forEach(Arena::close);
        pinned.clear();
    }

    private static final class Stream implements GpuStream {
        @Override
        public void synchronize() {}

        @Override
        public void await(GpuEvent event) {}

        @Override
        public void close() {}
    }

    private static final class Event implements GpuEvent {
        private long nanoseconds;

        @Override
        public void record(GpuStream stream) {
            nanoseconds = System.nanoTime();
        }

        @Override
        public void synchronize() {}

        @Override
        public float millisecondsSince(GpuEvent start) {
            return (nanoseconds - ((Event) start).nanoseconds) / 1e6f;
        }

        @Override
        public void close() {}
    }
}
