package org.bitscarp.cuda.driver;

/**
 * Device memory under a cap. The cap is what {@code --vram} sets: an allocation that would exceed it fails as it would on
 * a device of that size, so a small device can be tried out on a large one.
 */
public final class DeviceMemory {
    private final GpuDriver driver;
    private final long cap;
    private long used;
    private long peak;

    /** @param cap bytes */
    public DeviceMemory(GpuDriver driver, long cap) {
        this.driver = driver;
        this.cap = cap;
    }

    /**
     * @param bytes at least 1
     * @param what whose it is, for messages
     * @throws OutOfDeviceMemory when cap or device do not allow it
     */
    public DeviceBuffer allocate(long bytes, String what) {
        synchronized (this) {
            if (bytes > cap - used) {
                throw new OutOfDeviceMemory(
                        what,
                        bytes,
                        cap - used,
                        driver.device().name() + " under a cap of " + OutOfDeviceMemory.size(cap));
            }
            used += bytes;
        }
        boolean done = false;
        try {
            DeviceBuffer buffer = new DeviceBuffer(this, driver.allocate(bytes, what), bytes);
            done = true;
            return noted(buffer);
        } finally {
            if (!done) {
                give(bytes);
            }
        }
    }

    private synchronized DeviceBuffer noted(DeviceBuffer buffer) {
        peak = Math.max(peak, used);
        return buffer;
    }

    private synchronized void give(long bytes) {
        used -= bytes;
    }

    void release(DeviceBuffer buffer, long address) {
        driver.free(address);
        give(buffer.bytes());
    }

    public long cap() {
        return cap;
    }

    /** Bytes that may still be allocated under the cap. */
    public synchronized long available() {
        return cap - used;
    }

    public synchronized long used() {
        return used;
    }

    /** Most bytes that were allocated at the same time. */
    public synchronized long peak() {
        return peak;
    }
}
