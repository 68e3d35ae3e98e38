package org.bitscarp.compute.internal;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.bitscarp.compute.Tensor;

/**
 * A tensor outside the Java heap, made by {@link HostMemory}.
 *
 * @param data native-order floats, {@code rows × columns}
 */
public record HostTensor(MemorySegment data, int rows, int columns) implements Tensor {
    @Override
    public HostTensor slice(int first, int count) {
        Objects.checkFromIndexSize(first, count, rows);
        return new HostTensor(data.asSlice(4L * first * columns, 4L * count * columns), count, columns);
    }

    @Override
    public HostTensor reshape(int rows, int columns) {
        return new HostTensor(data.asSlice(0, Math.multiplyExact(4L * rows, columns)), rows, columns);
    }

    /** Number of floats. */
    public long size() {
        return (long) rows * columns;
    }
}
