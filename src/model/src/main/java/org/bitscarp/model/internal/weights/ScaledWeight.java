package org.bitscarp.model.internal.weights;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.bitscarp.model.ForwardingWeight;
import org.bitscarp.model.Weight;

/** A weight times a scale of its own: NVFP4 maps, whose blocks have scales of 8 bits only. */
public final class ScaledWeight extends ForwardingWeight {
    private final float[] scales;

    /** @param scales one for each of as many equal runs of rows */
    public ScaledWeight(Weight weight, float[] scales) {
        super(weight);
        this.scales = scales.clone();
    }

    @Override
    public String formatName() {
        return weight.formatName() + " scaled";
    }

    @Override
    public long byteSize() {
        return weight.byteSize() + 4L * scales.length;
    }

    @Override
    public void read(long firstRow, long count, MemorySegment target, long offset) throws IOException {
        weight.read(firstRow, count, target, offset);
        long each = rows() / scales.length;
        long at = offset;
        for (long row = firstRow; row < firstRow + count; row++) {
            float scale = scales[(int) (row / each)];
            for (long i = 0; i < columns(); i++, at += 4) {
                target.set(JAVA_FLOAT_UNALIGNED, at, target.get(JAVA_FLOAT_UNALIGNED, at) * scale);
            }
        }
    }
}
