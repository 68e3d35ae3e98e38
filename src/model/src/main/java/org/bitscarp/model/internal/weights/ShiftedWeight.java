package org.bitscarp.model.internal.weights;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.bitscarp.model.ForwardingWeight;
import org.bitscarp.model.Weight;

/** A weight plus a constant: norms that are stored as their difference from 1 (Gemma). */
public final class ShiftedWeight extends ForwardingWeight {
    private final float shift;

    public ShiftedWeight(Weight weight, float shift) {
        super(weight);
        this.shift = shift;
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        weight.read(firstRow, rows, target, offset);
        for (long at = offset; at < offset + 4 * rows * columns(); at += 4) {
            target.set(JAVA_FLOAT_UNALIGNED, at, target.get(JAVA_FLOAT_UNALIGNED, at) + shift);
        }
    }
}
