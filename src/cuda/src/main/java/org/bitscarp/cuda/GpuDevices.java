package org.bitscarp.cuda;

import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.emulated.EmulatedGpuDriver;

/** Devices that can be opened. */
public final class GpuDevices {
    private GpuDevices() {}

    /**
     * An NVIDIA GPU. Ask {@link GpuProbe} first whether there is one.
     *
     * @param number from 0 on
     */
    public static GpuDriver open(int number) {
        throw new GpuException("device " + number + " is there, but this build has no binding to its driver");
    }

    /** The device that runs the same kernels on the CPU. */
    public static GpuDriver emulated() {
        return EmulatedGpuDriver.create();
    }
}
