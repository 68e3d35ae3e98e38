package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.quant.StoredFormat;

/**
 * A weight with the name, shape and size of another and, as they are read, other values; these are stored nowhere, so
 * there are no rows to copy.
 */
public abstract class ForwardingWeight implements Weight {
    /** The weight whose values are the source of this one's. */
    protected final Weight weight;

    protected ForwardingWeight(Weight weight) {
        this.weight = weight;
    }

    @Override
    public String name() {
        return weight.name();
    }

    @Override
    public final List<Long> shape() {
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
    public Optional<StoredFormat> format() {
        return Optional.empty();
    }

    @Override
    public void copy(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        throw new IllegalStateException(name() + " is changed while it is read and has no rows to copy");
    }
}
