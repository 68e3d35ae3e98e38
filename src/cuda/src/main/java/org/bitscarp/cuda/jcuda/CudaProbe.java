package org.bitscarp.cuda.jcuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.cuda.driver.Availability;
import org.bitscarp.cuda.driver.GpuException;

/** Looks for a driver and a device without loading JCuda, whose first touch fails for good where there is none. */
public final class CudaProbe {
    /** Compute capability 7.5: what the oldest PTX is for. */
    private static final int OLDEST = 75;

    /** CUDA_ERROR_NO_DEVICE. */
    private static final int NO_DEVICE = 100;

    private static final String DRIVER = "libcuda.so.1";

    private CudaProbe() {}

    /** Whether a device with kernels for it is there. */
    public static Availability probe(int ordinal) {
        Availability driver = driver();
        if (!driver.isUsable()) {
            return driver;
        }
        try (JCudaGpuDriver device = JCudaGpuDriver.open(ordinal)) {
            return device.device().computeCapability() >= OLDEST
                    ? Availability.usable(device.device().describe())
                    : Availability.absent(
                            device.device().describe() + " is too old", "kernels need compute capability 7.5 or later");
        } catch (GpuException e) {
            return Availability.broken(e.getMessage(), "see whether nvidia-smi lists the device");
        } catch (LinkageError e) {
            return Availability.broken(
                    "JCuda does not load: " + e.getMessage(), "it has libraries for linux-x86_64 only");
        }
    }

    private static Availability driver() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup library;
            try {
                library = SymbolLookup.libraryLookup(DRIVER, arena);
            } catch (IllegalArgumentException e) {
                return Files.exists(Path.of("/dev/nvidiactl"))
                        ? Availability.broken(
                                "/dev/nvidiactl exists, " + DRIVER + " does not load", "reinstall the NVIDIA driver")
                        : Availability.absent(
                                "no NVIDIA driver (" + DRIVER + ")", "install the NVIDIA driver, 525 or later");
            }
            MethodHandle init = handle(library, "cuInit", ValueLayout.JAVA_INT);
            int status = (int) init.invokeExact(0);
            if (status == NO_DEVICE) {
                return Availability.absent("a driver, but no device", "see whether nvidia-smi lists one");
            }
            if (status != 0) {
                return Availability.broken(
                        "cuInit fails with status " + status, "see whether nvidia-smi works; restart after an update");
            }
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            MethodHandle counter = handle(library, "cuDeviceGetCount", ValueLayout.ADDRESS);
            status = (int) counter.invokeExact(count);
            int devices = count.get(ValueLayout.JAVA_INT, 0);
            return status == 0 && devices > 0
                    ? Availability.usable(devices + " devices")
                    : Availability.absent("a driver, but no device", "see whether nvidia-smi lists one");
        } catch (Throwable e) {
            return Availability.broken("the driver cannot be called: " + e, "reinstall the NVIDIA driver");
        }
    }

    private static MethodHandle handle(SymbolLookup library, String name, java.lang.foreign.MemoryLayout argument) {
        return Linker.nativeLinker()
                .downcallHandle(
                        library.find(name).orElseThrow(), FunctionDescriptor.of(ValueLayout.JAVA_INT, argument));
    }
}
