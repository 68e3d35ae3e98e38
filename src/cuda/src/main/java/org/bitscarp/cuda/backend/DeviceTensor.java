package org.bitscarp.cuda.backend;

import java.util.Objects;
import org.bitscarp.compute.Tensor;

/**
 * A tensor in device memory.
 *
 * @param block memory that it lies in
 * @param offset of its first float, in bytes
 */
record DeviceTensor(DeviceBlock block, long offset, int rows, int columns) implements Tensor {
    /** The tensor as one of ours; tensors of another backend are a programming error. */
    static DeviceTensor of(Tensor tensor) {
        if (tensor instanceof DeviceTensor device) {
            return device;
        }
        throw new IllegalArgumentException("not a tensor in device memory: " + tensor);
    }

    @Override
    public DeviceTensor slice(int first, int count) {
        Objects.checkFromIndexSize(first, count, rows);
        return new DeviceTensor(block, offset + 4L * first * columns, count, columns);
    }

    @Override
    public DeviceTensor reshape(int rows, int columns) {
        if ((long) rows * columns > size()) {
            throw new IllegalArgumentException(
                    "[" + rows + ", " + columns + "] out of [" + this.rows + ", " + this.columns + "]");
        }
        return new DeviceTensor(block, offset, rows, columns);
    }

    /** What begins at an element: its address is all that counts, rows keep their distance. */
    DeviceTensor from(int row, int column) {
        return new DeviceTensor(block, offset + 4 * ((long) row * columns + column), rows - row, columns);
    }

    long address() {
        return block.address() + offset;
    }

    /** Number of floats. */
    long size() {
        return (long) rows * columns;
    }

    long bytes() {
        return 4 * size();
    }
}
