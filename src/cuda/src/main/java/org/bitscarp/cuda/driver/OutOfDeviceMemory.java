package org.bitscarp.cuda.driver;

/** There is no block of device memory of that size; nothing was allocated. */
public final class OutOfDeviceMemory extends GpuException {
    public OutOfDeviceMemory(String what, long bytes, long free, String device) {
        super("out of device memory: " + mib(bytes) + " for " + what + ", " + mib(free) + " free on " + device
                + "; cap it with --vram, or close what else uses the device");
    }

    private static String mib(long bytes) {
        return bytes < 1 << 20 ? bytes + " bytes" : (bytes >> 20) + " MiB";
    }
}
