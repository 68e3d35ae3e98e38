package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * A weight matrix in its storage format: the bytes that a file would hold.
 *
 * @param format storage format of every row
 * @param rows output features
 * @param columns input features
 * @param bytes {@code rows × format.rowBytes(columns)} bytes, row after row
 */
public record PackedMatrix(BlockFormat format, int rows, int columns, MemorySegment bytes) {
    public PackedMatrix {
        checkWidth(format, columns);
        long need = rows * format.rowBytes(columns);
        if (bytes.byteSize() < need) {
            throw new IllegalArgumentException(format.name() + " needs " + need + " bytes for " + rows + " × " + columns
                    + " weights, found " + bytes.byteSize());
        }
    }

    /** An empty (zero) matrix in fresh memory. */
    public static PackedMatrix allocate(BlockFormat format, int rows, int columns, SegmentAllocator memory) {
        checkWidth(format, columns);
        return new PackedMatrix(format, rows, columns, memory.allocate(rows * format.rowBytes(columns), 64));
    }

    private static void checkWidth(BlockFormat format, int columns) {
        if (!format.supports(columns)) {
            throw new IllegalArgumentException(format.name() + " stores rows of whole blocks of "
                    + format.blockLength(columns) + " weights, found rows of " + columns
                    + "; store this matrix in another format");
        }
    }

    /** @throws IllegalArgumentException where a matrix of this shape has no place here */
    public void checkShape(DenseMatrix weights) {
        if (weights.rows() != rows || weights.columns() != columns) {
            throw new IllegalArgumentException("weights are " + weights.rows() + " × " + weights.columns()
                    + ", the packed matrix is " + rows + " × " + columns);
        }
    }

    /** Makes rows {@code [from, to)} zero, as solvers find those of an empty matrix. */
    public void clear(int from, int to) {
        long rowBytes = format.rowBytes(columns);
        bytes.asSlice(from * rowBytes, (to - from) * rowBytes).fill((byte) 0);
    }

    /** Size in bytes, everything included that a reader needs besides the shape and the format's name. */
    public long byteSize() {
        return rows * format.rowBytes(columns);
    }

    /** Measured bits per weight. */
    public double bitsPerWeight() {
        return 8.0 * byteSize() / ((double) rows * columns);
    }

    /** Decodes one row into {@code w[0..columns)}. */
    public void decodeRow(int row, float[] w) {
        int full = format.blockLength(columns);
        long offset = row * format.rowBytes(columns);
        for (int at = 0; at < columns; at += full) {
            int length = Math.min(full, columns - at);
            format.decode(bytes, offset, length, w, at);
            offset += format.blockBytes(length);
        }
    }

    /** Decodes rows {@code [from, to)} to the same rows of {@code target}. */
    public void decodeRows(int from, int to, DenseMatrix target) {
        float[] w = new float[columns];
        for (int row = from; row < to; row++) {
            decodeRow(row, w);
            MemorySegment.copy(w, 0, target.data(), ValueLayout.JAVA_FLOAT, 4L * row * columns, columns);
        }
    }
}
