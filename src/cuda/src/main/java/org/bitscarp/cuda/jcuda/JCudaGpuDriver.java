package org.bitscarp.cuda.jcuda;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.bitscarp.cuda.driver.AllocationLedger;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.DeviceInfo;
import org.bitscarp.cuda.driver.DeviceLost;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuModule;
import org.bitscarp.cuda.driver.GpuStream;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;
import org.bitscarp.cuda.driver.KernelParameter;
import org.bitscarp.cuda.driver.LaunchFailed;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;

/**
 * A GPU through the CUDA driver API. It works in the device's primary context, which other users of this process share,
 * and makes that context current on whatever thread calls.
 */
public final class JCudaGpuDriver implements GpuDriver {
    /** Usable from every context of the process. */
    private static final int CU_MEMHOSTALLOC_PORTABLE = 1;

    private final CUdevice handle;
    private final CUcontext context;
    private final DeviceInfo device;
    private final AllocationLedger ledger = new AllocationLedger();
    private final Map<Long, Pointer> pinned = new ConcurrentHashMap<>();
    private final GpuStream defaultStream = new JCudaStream(this, null);
    private boolean open = true;

    private JCudaGpuDriver(CUdevice handle, CUcontext context, DeviceInfo device) {
        this.handle = handle;
        this.context = context;
        this.device = device;
    }

    /**
     * Takes a device into use; {@link org.bitscarp.cuda.GpuProbe} tells whether there is one.
     *
     * @param ordinal from 0
     * @throws org.bitscarp.cuda.driver.GpuException when the driver refuses
     * @throws LinkageError when there is no driver
     */
    public static JCudaGpuDriver open(int ordinal) {
        PrivateExtraction.run(() -> JCudaDriver.setExceptionsEnabled(true));
        String name = "device " + ordinal;
        CUdevice handle = new CUdevice();
        CUcontext context = new CUcontext();
        DeviceInfo[] device = new DeviceInfo[1];
        Calls.run(name, "opening", () -> {
            JCudaDriver.cuInit(0);
            JCudaDriver.cuDeviceGet(handle, ordinal);
            device[0] = DeviceReader.read(handle, ordinal);
            JCudaDriver.cuDevicePrimaryCtxRetain(context, handle);
        });
        return new JCudaGpuDriver(handle, context, device[0]);
    }

    /** Calls the driver with the context current. */
    void call(String what, Runnable call) {
        Calls.run(device.name(), what, () -> {
            JCudaDriver.cuCtxSetCurrent(context);
            call.run();
        });
    }

    @Override
    public void makeCurrent() {
        call("taking the device into use", () -> {});
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public DeviceInfo device() {
        return device;
    }

    @Override
    public long freeMemory() {
        long[] free = {0};
        long[] total = {0};
        call("asking for free memory", () -> JCudaDriver.cuMemGetInfo(free, total));
        return free[0];
    }

    @Override
    public long allocate(long bytes, String what) {
        if (bytes < 1) {
            throw new IllegalArgumentException(bytes + " bytes of device memory for " + what);
        }
        Calls.DeviceAddress address = new Calls.DeviceAddress();
        call("allocation of " + what, () -> {
            try {
                JCudaDriver.cuMemAlloc(address, bytes);
            } catch (CudaException e) {
                throw Calls.isOutOfMemory(e) ? new OutOfDeviceMemory(what, bytes, freeMemory(), device.name()) : e;
            }
        });
        ledger.allocated(address.value(), bytes, what);
        return address.value();
    }

    @Override
    public void free(long address) {
        ledger.freed(address);
        call("freeing memory", () -> JCudaDriver.cuMemFree(Calls.device(address)));
    }

    @Override
    public AllocationLedger ledger() {
        return ledger;
    }

    @Override
    public MemorySegment allocatePinned(long bytes) {
        Calls.HostAddress address = new Calls.HostAddress();
        call(
                "allocation of " + bytes + " bytes of page-locked host memory",
                () -> JCudaDriver.cuMemHostAlloc(address, bytes, CU_MEMHOSTALLOC_PORTABLE));
        pinned.put(address.value(), address);
        return MemorySegment.ofAddress(address.value()).reinterpret(bytes);
    }

    @Override
    public void freePinned(MemorySegment memory) {
        Pointer pointer = pinned.remove(memory.address());
        if (pointer == null) {
            throw new IllegalArgumentException("not page-locked memory of this device, perhaps freed before");
        }
        call("freeing page-locked memory", () -> JCudaDriver.cuMemFreeHost(pointer));
    }

    @Override
    public void copyToDevice(long target, MemorySegment source, GpuStream stream) {
        if (source.byteSize() > 0) {
            call(
                    "copy to the device",
                    () -> JCudaDriver.cuMemcpyHtoDAsync(
                            Calls.device(target), host(source), source.byteSize(), stream(stream)));
        }
    }

    @Override
    public void copyToHost(MemorySegment target, long source, GpuStream stream) {
        if (target.byteSize() > 0) {
            call(
                    "copy to the host",
                    () -> JCudaDriver.cuMemcpyDtoHAsync(
                            host(target), Calls.device(source), target.byteSize(), stream(stream)));
        }
    }

    private static Pointer host(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("copies take native memory, this is on the Java heap");
        }
        return new Calls.HostAddress(segment.address());
    }

    @Override
    public void copyOnDevice(long target, long source, long bytes, GpuStream stream) {
        if (bytes > 0) {
            call(
                    "copy on the device",
                    () -> JCudaDriver.cuMemcpyDtoDAsync(
                            Calls.device(target), Calls.device(source), bytes, stream(stream)));
        }
    }

    @Override
    public void fill(long target, long bytes, byte value, GpuStream stream) {
        if (bytes > 0) {
            call("fill", () -> JCudaDriver.cuMemsetD8Async(Calls.device(target), value, bytes, stream(stream)));
        }
    }

    @Override
    public GpuModule load(String name, String ptx) {
        return JCudaModule.load(this, name, ptx);
    }

    @Override
    public void launch(
            GpuFunction function,
            Grid grid,
            Block block,
            int sharedBytes,
            GpuStream stream,
            KernelArguments arguments) {
        ByteBuffer layout = arguments.layout(function.signature());
        Pointer parameters = pointers(function.signature(), layout);
        call("launch of " + function.name(), () -> {
            try {
                JCudaDriver.cuLaunchKernel(
                        ((JCudaFunction) function).handle(),
                        grid.x(),
                        grid.y(),
                        grid.z(),
                        block.x(),
                        block.y(),
                        block.z(),
                        sharedBytes,
                        stream(stream),
                        parameters,
                        null);
            } catch (CudaException e) {
                String kernel = function.name();
                throw Calls.isLost(e)
                        ? new DeviceLost(device.name(), "launch of " + kernel, Calls.status(e))
                        : new LaunchFailed(kernel, grid, block, sharedBytes, device.name(), Calls.status(e));
            }
        });
    }

    /** One pointer to each argument. */
    private static Pointer pointers(EntrySignature signature, ByteBuffer layout) {
        Pointer all = Pointer.to(layout);
        Pointer[] each = new Pointer[signature.parameters().size()];
        int i = 0;
        for (KernelParameter parameter : signature.parameters()) {
            each[i++] = all.withByteOffset(parameter.offset());
        }
        return Pointer.to(each);
    }

    private static CUstream stream(GpuStream stream) {
        return ((JCudaStream) stream).stream();
    }

    @Override
    public GpuStream defaultStream() {
        return defaultStream;
    }

    @Override
    public GpuStream newStream() {
        return JCudaStream.create(this);
    }

    @Override
    public GpuEvent newEvent() {
        return JCudaEvent.create(this);
    }

    @Override
    public void synchronize() {
        call("waiting for the device", JCudaDriver::cuCtxSynchronize);
    }

    /** Frees what is still allocated, since the primary context outlives this driver when others use it. */
    @Override
    public synchronized void close() {
        if (!open) {
            return;
        }
        open = false;
        try {
            for (AllocationLedger.Entry entry : ledger.live()) {
                free(entry.address());
            }
            for (Pointer pointer : pinned.values()) {
                call("freeing page-locked memory", () -> JCudaDriver.cuMemFreeHost(pointer));
            }
            pinned.clear();
        } finally {
            Calls.run(device.name(), "closing", () -> JCudaDriver.cuDevicePrimaryCtxRelease(handle));
        }
    }
}
