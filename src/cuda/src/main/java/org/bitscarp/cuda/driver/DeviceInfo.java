package org.bitscarp.cuda.driver;

import java.util.Locale;

/**
 * What a device is.
 *
 * @param ordinal its number on this machine
 * @param computeCapability major × 10 + minor: 80 for 8.0
 * @param totalMemory bytes
 * @param sharedPerBlock bytes of shared memory that a block gets without asking for more
 * @param sharedPerBlockOptIn bytes that a function can be allowed, see {@link GpuFunction#allowDynamicShared}
 * @param driverVersion the CUDA version that the driver supports: 12040 for 12.4
 */
public record DeviceInfo(
        int ordinal,
        String name,
        int computeCapability,
        int multiprocessors,
        long totalMemory,
        int sharedPerBlock,
        int sharedPerBlockOptIn,
        int registersPerMultiprocessor,
        int maxThreadsPerBlock,
        int driverVersion) {
    public String describe() {
        return String.format(
                Locale.ROOT,
                "%s (compute capability %d.%d, %d multiprocessors, %.1f GiB, driver for CUDA %d.%d)",
                name,
                computeCapability / 10,
                computeCapability % 10,
                multiprocessors,
                totalMemory / (double) (1L << 30),
                driverVersion / 1000,
                driverVersion % 1000 / 10);
    }
}
