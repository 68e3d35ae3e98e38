package org.bitscarp.cuda.driver;

/** There is no block of device memory of that size; nothing was allocated. */
public final class OutOfDeviceMemory extends GpuException {
    public OutOfDeviceMemory(String what, long bytes, long free, String device) {
        super("out of device memory: " + size(bytes) + " for " + what + ", " + size(free) + " free on " + device
                + "; cap it with --vram, or close what else uses the device");
    }

    static String size(long bytes) {
        return bytes < 1 << 20 ? bytes + " bytes" : (bytes >> 20) + " MiB";
    }
}
