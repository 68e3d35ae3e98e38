package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Sums of two floats each, the second of which collects what roundings of the first leave out. */
public final class CompensatedSum {
    private CompensatedSum() {}

    /**
     * sums + low += part, and part = 0; specified by {@code Backend.addCompensated}. Floor: 24 bytes a number.
     *
     * @param at where the floats begin, in all three
     * @param length floats
     */
    public static void add(MemorySegment part, MemorySegment sums, MemorySegment low, long at, long length) {
        long i = at;
        for (long end = at + length - length % SPECIES.length(); i < end; i += SPECIES.length()) {
            FloatVector a = load(sums, i);
            FloatVector b = load(part, i);
            FloatVector sum = a.add(b);
            FloatVector added = sum.sub(a);
            FloatVector lost = a.sub(sum.sub(added)).add(b.sub(added));
            sum.intoMemorySegment(sums, 4 * i, ORDER);
            load(low, i).add(lost).intoMemorySegment(low, 4 * i, ORDER);
            FloatVector.zero(SPECIES).intoMemorySegment(part, 4 * i, ORDER);
        }
        for (; i < at + length; i++) {
            float a = sums.getAtIndex(JAVA_FLOAT, i);
            float b = part.getAtIndex(JAVA_FLOAT, i);
            float sum = a + b;
            float added = sum - a;
            float lost = a - (sum - added) + (b - added);
            sums.setAtIndex(JAVA_FLOAT, i, sum);
            low.setAtIndex(JAVA_FLOAT, i, low.getAtIndex(JAVA_FLOAT, i) + lost);
            part.setAtIndex(JAVA_FLOAT, i, 0);
        }
    }

    private static FloatVector load(MemorySegment x, long at) {
        return FloatVector.fromMemorySegment(SPECIES, x, 4 * at, ORDER);
    }
}
