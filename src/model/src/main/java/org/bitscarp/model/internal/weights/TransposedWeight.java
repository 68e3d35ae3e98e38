package org.bitscarp.model.internal.weights;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.StoredFormat;

/** Columns of a tensor that stores a linear map as {@code [in, out]}: GPT-2's {@code Conv1D}. */
public final class TransposedWeight implements Weight {
    private final MappedFiles files;
    private final TensorInfo tensor;
    private final long firstColumn;
    private final long out;

    /**
     * @param tensor of shape {@code [in, n]}, stored as plain numbers
     * @param firstColumn where this map's outputs begin
     * @param out number of outputs
     */
    public TransposedWeight(MappedFiles files, TensorInfo tensor, long firstColumn, long out) {
        this.files = files;
        this.tensor = tensor;
        this.firstColumn = firstColumn;
        this.out = out;
    }

    @Override
    public String name() {
        return tensor.name();
    }

    @Override
    public List<Long> shape() {
        return List.of(out, tensor.shape().getFirst());
    }

    @Override
    public String formatName() {
        return tensor.format().name();
    }

    @Override
    public long byteSize() {
        return tensor.format().byteSize(size());
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        long in = tensor.shape().getFirst();
        long rowBytes = tensor.rowBytes();
        long columnBytes = tensor.format().byteSize(1);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment stored = files.map(tensor, 0, tensor.byteSize(), arena);
            MemorySegment line = arena.allocate(4 * rows, 4);
            for (long i = 0; i < in; i++) {
                tensor.format().decode(stored, i * rowBytes + (firstColumn + firstRow) * columnBytes, rows, line, 0);
                for (long o = 0; o < rows; o++) {
                    target.set(JAVA_FLOAT, offset + 4 * (o * in + i), line.getAtIndex(JAVA_FLOAT, o));
                }
            }
        }
    }

    @Override
    public Optional<StoredFormat> format() {
        return Optional.empty();
    }

    @Override
    public void copy(long firstRow, long rows, MemorySegment target, long offset) {
        throw new IllegalStateException(tensor.name() + " is stored transposed and has no rows to copy");
    }
}
