package org.bitscarp.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the NVIDIA driver of this machine says, asked through its own library so that nothing is loaded where there is none.
 *
 * @param state whether there is a device to compute on
 * @param devices how many; 0 unless found
 * @param detail what was found or is missing
 * @param remedy what to do about it, empty where there is nothing to do
 */
public record GpuProbe(State state, int devices, String detail, String remedy) {
    /** {@code CUDA_ERROR_NO_DEVICE} of the driver API. */
    private static final int NO_DEVICE = 100;

    private static final String INSTALL = "install the NVIDIA driver, version 525 or later; no toolkit is needed";

    /** Absent is no failure: there is nothing to use. Broken is: something is there and does not work. */
    public enum State {
        FOUND,
        ABSENT,
        BROKEN
    }

    public static GpuProbe run() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup driver;
            try {
                driver = SymbolLookup.libraryLookup("libcuda.so.1", arena);
            } catch (IllegalArgumentException e) {
                return Files.exists(Path.of("/dev/nvidiactl"))
                        ? broken("/dev/nvidiactl exists, but libcuda.so.1 does not load")
                        : new GpuProbe(State.ABSENT, 0, "there is no NVIDIA driver (libcuda.so.1)", INSTALL);
            }
            int status = (int) function(driver, "cuInit", ValueLayout.JAVA_INT).invokeExact(0);
            if (status == NO_DEVICE) {
                return new GpuProbe(
                        State.ABSENT,
                        0,
                        "the NVIDIA driver finds no device",
                        "look at nvidia-smi and CUDA_VISIBLE_DEVICES");
            }
            if (status != 0) {
                return broken("cuInit of the NVIDIA driver fails with error " + status);
            }
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            status = (int)
                    function(driver, "cuDeviceGetCount", ValueLayout.ADDRESS).invokeExact(count);
            int devices = count.get(ValueLayout.JAVA_INT, 0);
            return status != 0 || devices < 1
                    ? broken("cuDeviceGetCount of the NVIDIA driver gives error " + status)
                    : new GpuProbe(State.FOUND, devices, devices == 1 ? "1 device" : devices + " devices", "");
        } catch (Throwable e) {
            return broken("the NVIDIA driver cannot be called: " + e);
        }
    }

    private static java.lang.invoke.MethodHandle function(
            SymbolLookup library, String name, java.lang.foreign.MemoryLayout parameter) {
        return Linker.nativeLinker()
                .downcallHandle(
                        library.find(name).orElseThrow(), FunctionDescriptor.of(ValueLayout.JAVA_INT, parameter));
    }

    private static GpuProbe broken(String detail) {
        return new GpuProbe(State.BROKEN, 0, detail, "reinstall the NVIDIA driver");
    }
}
