package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A view of fp32 values in row-major order outside the Java heap.
 *
 * @param data {@code rows × columns} floats in native byte order; may be mapped memory
 * @param rows number of rows (output features of a weight matrix)
 * @param columns values in a row (input features of a weight matrix)
 */
public record DenseMatrix(MemorySegment data, int rows, int columns) {
    public DenseMatrix {
        if (rows < 0 || columns < 0 || data.byteSize() < 4L * rows * columns) {
            throw new IllegalArgumentException(
                    "a " + rows + " × " + columns + " fp32 matrix does not fit in " + data.byteSize() + " bytes");
        }
    }

    /** Copies one row to {@code target[0..columns)}. */
    public void row(int row, float[] target) {
        MemorySegment.copy(data, ValueLayout.JAVA_FLOAT, 4L * row * columns, target, 0, columns);
    }

    /** A view of {@code count} rows from {@code first} on; shares memory. */
    public DenseMatrix slice(int first, int count) {
        Objects.checkFromIndexSize(first, count, rows);
        return new DenseMatrix(data.asSlice(4L * first * columns, 4L * count * columns), count, columns);
    }

    /** Number of weights. */
    public long size() {
        return (long) rows * columns;
    }
}
