package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.DeviceBuffer;

/**
 * Device memory that tensors share, and who used it last: per lane the number of the last piece of work that read it, and
 * of the last that wrote it. {@link DeviceQueue} keeps lanes from overtaking each other by them.
 */
final class DeviceBlock implements AutoCloseable {
    private final DeviceBuffer buffer;
    final long[] read;
    final long[] written;

    DeviceBlock(DeviceBuffer buffer, int lanes) {
        this.buffer = buffer;
        read = new long[lanes];
        written = new long[lanes];
    }

    long address() {
        return buffer.address();
    }

    @Override
    public void close() {
        buffer.close();
    }
}
