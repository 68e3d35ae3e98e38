package org.bitscarp.model.export;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.NumberFormat;

/** A vector of a folder, or a table as small as one: all of its values are held at once, while it is looked at. */
final class FolderVector extends FolderTensor {
    private final List<Long> shape;
    private final float shift;

    /** @param shift how much less than the weight is stored */
    FolderVector(String name, List<Long> shape, float shift) {
        super(name);
        this.shape = shape;
        this.shift = shift;
    }

    @Override
    long rows() {
        return shape.getFirst();
    }

    @Override
    List<Long> shape() {
        return shape;
    }

    private long size() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** The weights' values in the tensor's order. */
    private DenseMatrix values(Arena arena) throws IOException {
        DenseMatrix values = new DenseMatrix(arena.allocate(4 * size(), 64), 1, Math.toIntExact(size()));
        long width = size() / rows();
        for (Part part : parts()) {
            MemorySegment own = arena.allocate(4 * part.weight().size(), 64);
            part.weight().read(0, part.weight().rows(), own, 0);
            for (long row = 0; row < part.rows(); row++) {
                long from = 4 * (part.firstRow() + row) * width;
                MemorySegment.copy(own, from, values.data(), 4 * part.order().stored(row) * width, 4 * width);
            }
        }
        return values;
    }

    /** What is stored of values in a type. */
    private MemorySegment stored(DenseMatrix values, NumberFormat type, Arena arena) {
        DenseMatrix shifted = new DenseMatrix(arena.allocate(4 * size(), 64), 1, values.columns());
        for (long i = 0; i < size(); i++) {
            shifted.data().setAtIndex(JAVA_FLOAT, i, values.data().getAtIndex(JAVA_FLOAT, i) - shift);
        }
        return StoredRows.rounded(shifted, blocks(type), arena);
    }

    /** Whether the tensor, stored in a type, is read as the very values that the weights have. */
    boolean fits(NumberFormat type) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            DenseMatrix values = values(arena);
            MemorySegment back = arena.allocate(4 * size(), 64);
            type.decode(stored(values, type, arena), 0, size(), back, 0);
            for (long i = 0; i < size(); i++) {
                // What is no number fits nowhere else.
                if (!(back.getAtIndex(JAVA_FLOAT, i) + shift == values.data().getAtIndex(JAVA_FLOAT, i))) {
                    return false;
                }
            }
            return true;
        }
    }

    @Override
    public void write(SafetensorsWriter writer) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            writer.write(name(), stored(values(arena), type(), arena));
        }
    }
}
