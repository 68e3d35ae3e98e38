package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.bitscarp.quant.DenseMatrix;

/**
 * The upper triangle of a square matrix as {@link RegisterTile} reads it: columns in groups of {@code width}, each group from
 * row 0 to the last that its diagonal reaches, row after row. What lies below the diagonal in those rows is stored too, and
 * columns that fill up the last group.
 *
 * @param size rows and columns
 * @param width columns in a group
 */
record PackedUpper(MemorySegment data, int size, int width) {
    /** All zero. */
    static PackedUpper allocate(int size, int width, SegmentAllocator memory) {
        long groups = Math.ceilDiv(size, width);
        return new PackedUpper(memory.allocate(4 * width * width * (groups * (groups + 1) / 2), 64), size, width);
    }

    int groups() {
        return Math.ceilDiv(size, width);
    }

    /** Rows that are stored of a group. */
    int rows(int group) {
        return (group + 1) * width;
    }

    /** Index of an element; a group's next row is {@code width} further. */
    long at(int row, int column) {
        long group = column / width;
        return width * (width * (group * (group + 1) / 2) + row) + column % width;
    }

    float get(int row, int column) {
        return row > column ? 0 : data.getAtIndex(JAVA_FLOAT, at(row, column));
    }

    /** Writes the matrix row after row, with zeros below the diagonal. */
    void unpack(DenseMatrix target) {
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                target.data().setAtIndex(JAVA_FLOAT, (long) i * size + j, get(i, j));
            }
        }
    }
}
