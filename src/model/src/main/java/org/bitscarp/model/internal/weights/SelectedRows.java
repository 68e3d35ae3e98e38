package org.bitscarp.model.internal.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.StoredFormat;

/** Some rows of another matrix, in some order: a part of a fused linear map. */
public final class SelectedRows implements Weight {
    private final Weight whole;
    private final long rows;
    private final RowOrder order;

    /** @param order row of {@code whole} for each of {@code rows}; all of them must lie in it */
    public SelectedRows(Weight whole, long rows, RowOrder order) {
        this.whole = whole;
        this.rows = rows;
        this.order = order;
    }

    /** Where each row lies in the whole. */
    public RowOrder order() {
        return order;
    }

    /** The matrix that these rows are part of. */
    public Weight whole() {
        return whole;
    }

    @Override
    public String name() {
        return whole.name();
    }

    @Override
    public List<Long> shape() {
        return List.of(rows, whole.columns());
    }

    @Override
    public String formatName() {
        return whole.formatName();
    }

    /** The share of these rows in the whole. */
    @Override
    public long byteSize() {
        return Math.round((double) whole.byteSize() / whole.rows() * rows);
    }

    @Override
    public void read(long firstRow, long count, MemorySegment target, long offset) throws IOException {
        runs(firstRow, count, (stored, n, at) -> whole.read(stored, n, target, offset + 4 * at * columns()));
    }

    @Override
    public Optional<StoredFormat> format() {
        return whole.format();
    }

    @Override
    public void copy(long firstRow, long count, MemorySegment target, long offset) throws IOException {
        long rowBytes = whole.format()
                .orElseThrow(() -> new IllegalStateException(name() + " has no rows to copy"))
                .byteSize(columns());
        runs(firstRow, count, (stored, n, at) -> whole.copy(stored, n, target, offset + at * rowBytes));
    }

    private interface Run {
        void take(long storedRow, long n, long at) throws IOException;
    }

    /** Walks runs of rows that are neighbours in the whole. */
    private void runs(long firstRow, long count, Run run) throws IOException {
        for (long i = 0; i < count; ) {
            long start = order.stored(firstRow + i);
            long n = 1;
            while (i + n < count && order.stored(firstRow + i + n) == start + n) {
                n++;
            }
            run.take(start, n, i);
            i += n;
        }
    }
}
