package org.bitscarp.cuda;

import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.emulated.EmulatedGpuDriver;
import org.bitscarp.cuda.jcuda.JCudaGpuDriver;

/** Devices that can be opened. */
public final class GpuDevices {
    /** Compute capability of the oldest PTX. */
    private static final int OLDEST = 75;

    private GpuDevices() {}

    /**
     * An NVIDIA GPU. Ask {@link GpuProbe} first whether there is one.
     *
     * @param number from 0 on
     * @throws GpuException when it cannot be used
     */
    public static GpuDriver open(int number) {
        GpuDriver driver;
        try {
            driver = JCudaGpuDriver.open(number);
        } catch (LinkageError e) {
            throw new GpuException(
                    "the binding to the NVIDIA driver does not load, it is for linux-x86_64 only: " + e.getMessage(),
                    e);
        }
        if (driver.device().computeCapability() < OLDEST) {
            String what = driver.device().describe();
            driver.close();
            throw new GpuException("device " + number + " is too old: " + what + "; kernels need 7.5 or later");
        }
        return driver;
    }

    /** The device that runs the same kernels on the CPU. */
    public static GpuDriver emulated() {
        return EmulatedGpuDriver.create();
    }
}
