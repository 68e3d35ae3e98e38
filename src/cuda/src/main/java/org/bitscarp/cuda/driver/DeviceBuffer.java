package org.bitscarp.cuda.driver;

/** A block of device memory, given back by {@link #close}; closing twice does nothing. */
public final class DeviceBuffer implements AutoCloseable {
    private final DeviceMemory owner;
    private final long address;
    private final long bytes;
    private boolean open = true;

    DeviceBuffer(DeviceMemory owner, long address, long bytes) {
        this.owner = owner;
        this.address = address;
        this.bytes = bytes;
    }

    /** @throws IllegalStateException after {@link #close} */
    public long address() {
        if (!open) {
            throw new IllegalStateException("device memory is used after it was freed");
        }
        return address;
    }

    public long bytes() {
        return bytes;
    }

    @Override
    public synchronized void close() {
        if (open) {
            open = false;
            owner.release(this, address);
        }
    }
}
