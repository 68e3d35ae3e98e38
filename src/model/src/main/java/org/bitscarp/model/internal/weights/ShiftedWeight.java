package org.bitscarp.model.internal.weights;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.StoredFormat;

/** A weight plus a constant: norms that are stored as their difference from 1 (Gemma). */
public final class ShiftedWeight implements Weight {
    private final Weight weight;
    private final float shift;

    public ShiftedWeight(Weight weight, float shift) {
        this.weight = weight;
        this.shift = shift;
    }

    @Override
    public String name() {
        return weight.name();
    }

    @Override
    public List<Long> shape() {
        return weight.shape();
    }

    @Override
    public String formatName() {
        return weight.formatName();
    }

    @Override
    public long byteSize() {
        return weight.byteSize();
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        weight.read(firstRow, rows, target, offset);
        for (long at = offset; at < offset + 4 * rows * columns(); at += 4) {
            target.set(JAVA_FLOAT_UNALIGNED, at, target.get(JAVA_FLOAT_UNALIGNED, at) + shift);
        }
    }

    @Override
    public Optional<StoredFormat> format() {
        return Optional.empty();
    }

    @Override
    public void copy(long firstRow, long rows, MemorySegment target, long offset) {
        throw new IllegalStateException(name() + " is stored shifted and has no rows to copy");
    }
}
