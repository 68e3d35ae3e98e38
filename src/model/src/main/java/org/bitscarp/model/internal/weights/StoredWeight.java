package org.bitscarp.model.internal.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredFormat;

/** A stored tensor, or some of its rows in some order. */
public final class StoredWeight implements Weight {
    private final MappedFiles files;
    private final TensorInfo tensor;
    private final List<Long> shape;
    private final RowOrder order;
    private final long unitSize;

    /** A tensor as it is. */
    public StoredWeight(MappedFiles files, TensorInfo tensor) {
        this(files, tensor, tensor.shape(), RowOrder.SAME);
    }

    /**
     * @param shape logical: {@code [rows, columns]}, or {@code [n]} for elements of a vector; columns are those of the
     *     tensor's innermost dimension
     * @param order stored row of each logical one; all of them must lie in the tensor
     */
    public StoredWeight(MappedFiles files, TensorInfo tensor, List<Long> shape, RowOrder order) {
        this.files = files;
        this.tensor = tensor;
        this.shape = List.copyOf(shape);
        this.order = order;
        unitSize = shape.size() < 2 ? 1 : shape.getLast();
    }

    /** Where each row lies in the whole. */
    public RowOrder order() {
        return order;
    }

    @Override
    public String name() {
        return tensor.name();
    }

    @Override
    public List<Long> shape() {
        return shape;
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
    public Optional<StoredFormat> format() {
        return Optional.of(tensor.format());
    }

    @Override
    public Optional<TensorInfo> tensor() {
        return order == RowOrder.SAME && size() == tensor.size() ? Optional.of(tensor) : Optional.empty();
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        runs(
                firstRow,
                rows,
                (stored, at, units, from) ->
                        tensor.format().decode(stored, at, units * unitSize, target, offset + 4 * from * unitSize));
    }

    @Override
    public void copy(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        long unitBytes = tensor.format().byteSize(unitSize);
        runs(
                firstRow,
                rows,
                (stored, at, units, from) ->
                        MemorySegment.copy(stored, at, target, offset + from * unitBytes, units * unitBytes));
    }

    @Override
    public Optional<MemorySegment> mapped(long firstRow, long rows, Arena arena) throws IOException {
        boolean plain = tensor.format() == NumberFormat.FP32 && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
        if (!plain || order != RowOrder.SAME || shape.size() < 2 || rows == 0) {
            return Optional.empty();
        }
        Objects.checkFromIndexSize(firstRow, rows, rows());
        MemorySegment stored = files.map(tensor, 4 * firstRow * unitSize, 4 * rows * unitSize, arena);
        return stored.address() % Float.BYTES == 0 ? Optional.of(stored) : Optional.empty();
    }

    private interface Run {
        void take(MemorySegment stored, long storedOffset, long units, long from);
    }

    /** Walks runs of rows that are neighbours in the file, in one mapping. */
    private void runs(long firstRow, long rows, Run run) throws IOException {
        boolean vector = shape.size() < 2;
        long first = vector ? 0 : firstRow;
        long count = vector ? shape.getFirst() * rows : rows;
        if (count == 0) {
            return;
        }
        long unitBytes = tensor.format().byteSize(unitSize);
        long low = Long.MAX_VALUE;
        long high = Long.MIN_VALUE;
        if (order == RowOrder.SAME) {
            low = first;
            high = first + count - 1;
        } else {
            for (long i = 0; i < count; i++) {
                long row = order.stored(first + i);
                low = Math.min(low, row);
                high = Math.max(high, row);
            }
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment stored = files.map(tensor, low * unitBytes, (high - low + 1) * unitBytes, arena);
            for (long i = 0; i < count; ) {
                long start = order.stored(first + i);
                long n = order == RowOrder.SAME ? count : 1;
                while (i + n < count && order.stored(first + i + n) == start + n) {
                    n++;
                }
                run.take(stored, (start - low) * unitBytes, n, i);
                i += n;
            }
        }
    }
}
