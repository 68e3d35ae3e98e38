package org.bitscarp.model.internal.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.StoredFormat;

/** Matrices of the same shape one below another: the experts of a layer. */
public final class StackedWeight implements Weight {
    private final List<Weight> parts;
    private final long partRows;

    /** @param parts at least one; all of one shape */
    public StackedWeight(List<Weight> parts) {
        this.parts = List.copyOf(parts);
        partRows = parts.getFirst().rows();
    }

    @Override
    public String name() {
        return parts.getFirst().name();
    }

    @Override
    public List<Long> shape() {
        return List.of(partRows * parts.size(), parts.getFirst().columns());
    }

    @Override
    public String formatName() {
        return parts.getFirst().formatName();
    }

    @Override
    public long byteSize() {
        return parts.stream().mapToLong(Weight::byteSize).sum();
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        walk(firstRow, rows, (part, from, n, at) -> part.read(from, n, target, offset + 4 * at * columns()));
    }

    /** That of the parts where they agree. */
    @Override
    public Optional<StoredFormat> format() {
        Optional<StoredFormat> first = parts.getFirst().format();
        return parts.stream().allMatch(p -> p.format().equals(first)) ? first : Optional.empty();
    }

    @Override
    public void copy(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        long rowBytes = format().orElseThrow(
                        () -> new IllegalStateException(name() + " and its neighbours are stored differently"))
                .byteSize(columns());
        walk(firstRow, rows, (part, from, n, at) -> part.copy(from, n, target, offset + at * rowBytes));
    }

    private interface Run {
        void take(Weight part, long firstRow, long rows, long at) throws IOException;
    }

    private void walk(long firstRow, long rows, Run run) throws IOException {
        for (long row = firstRow; row < firstRow + rows; ) {
            long inPart = row % partRows;
            long n = Math.min(partRows - inPart, firstRow + rows - row);
            run.take(parts.get((int) (row / partRows)), inPart, n, row - firstRow);
            row += n;
        }
    }

    /** The matrices, from top to bottom. */
    public List<Weight> parts() {
        return new ArrayList<>(parts);
    }
}
