package org.bitscarp.model;

import java.nio.file.Path;
import java.util.List;
import org.bitscarp.quant.StoredFormat;

/**
 * A tensor of a checkpoint: where its bytes lie. Nothing of its contents has been read.
 *
 * @param name name in the file
 * @param format how the values are stored: plain numbers or blocks
 * @param shape dimensions, outermost first; a linear map is {@code [out, in]}
 * @param file the file that holds it
 * @param offset first byte in that file
 */
public record TensorInfo(String name, StoredFormat format, List<Long> shape, Path file, long offset) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /** Number of values. */
    public long size() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** Bytes on disk. */
    public long byteSize() {
        return format.byteSize(size());
    }

    /** Rows that {@link Checkpoint#map} counts in: the first dimension, or 1 for a vector or a scalar. */
    public long rows() {
        return shape.size() < 2 ? 1 : shape.getFirst();
    }

    /** Bytes of one row. */
    public long rowBytes() {
        return rows() == 0 ? 0 : byteSize() / rows();
    }
}
