package org.bitscarp.model.internal.packed;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.StoredFormat;

/** A linear map made of several tensors, which can be read as floats only. */
abstract class PackedWeight implements Weight {
    private final String name;
    private final long out;
    private final int in;
    private final String formatName;
    private final long byteSize;

    /**
     * @param name the module with {@code .weight}, as if it were not packed
     * @param formatName what is in it: width, groups, kind of grid
     * @param byteSize bytes of all its tensors
     */
    PackedWeight(String name, long out, int in, String formatName, long byteSize) {
        this.name = name;
        this.out = out;
        this.in = in;
        this.formatName = formatName;
        this.byteSize = byteSize;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Long> shape() {
        return List.of(out, (long) in);
    }

    int in() {
        return in;
    }

    @Override
    public String formatName() {
        return formatName;
    }

    @Override
    public long byteSize() {
        return byteSize;
    }

    @Override
    public Optional<StoredFormat> format() {
        return Optional.empty();
    }

    @Override
    public void copy(long firstRow, long rows, MemorySegment target, long offset) {
        throw new IllegalStateException(name + " is packed as " + formatName + " and has no rows to copy");
    }
}
