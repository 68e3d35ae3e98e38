package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * A 4 × 2 vectors tile of a matrix product, accumulated in registers: 8 accumulators, 2 vectors of w and one broadcast
 * of x, 11 of the 16 registers that AVX2 has.
 *
 * <p>Unrolled by hand, because the compiler keeps named vectors in registers but not arrays of them. Without helper methods,
 * because this many calls exhaust its inlining budget: the JDK's own are always inlined, ours would put every vector on the
 * heap (six times slower). Four rows, because with six the quick compiler gives up ("out of virtual registers") and the
 * method can stay in a tier that is a hundred times slower. All three measured on JDK 25.
 */
final class Tile4x2 implements VectorGemm.Tile {
    private static final int LANES = SPECIES.length();
    private static final int ROWS = 4;
    private static final int WIDTH = 2 * LANES;

    @Override
    public int width() {
        return WIDTH;
    }

    @Override
    public void multiply(
            int k, MemorySegment x, long xAt, MemorySegment w, long wAt, MemorySegment y, long yAt, long stride) {
        FloatVector y00 = FloatVector.zero(SPECIES);
        FloatVector y01 = FloatVector.zero(SPECIES);
        FloatVector y10 = FloatVector.zero(SPECIES);
        FloatVector y11 = FloatVector.zero(SPECIES);
        FloatVector y20 = FloatVector.zero(SPECIES);
        FloatVector y21 = FloatVector.zero(SPECIES);
        FloatVector y30 = FloatVector.zero(SPECIES);
        FloatVector y31 = FloatVector.zero(SPECIES);
        for (int p = 0; p < k; p++) {
            long xp = 4 * (xAt + (long) p * ROWS);
            long wp = 4 * (wAt + (long) p * WIDTH);
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wp, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wp + 4 * LANES, ORDER);
            FloatVector x0 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp));
            y00 = x0.fma(w0, y00);
            y01 = x0.fma(w1, y01);
            FloatVector x1 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp + 4));
            y10 = x1.fma(w0, y10);
            y11 = x1.fma(w1, y11);
            FloatVector x2 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp + 8));
            y20 = x2.fma(w0, y20);
            y21 = x2.fma(w1, y21);
            FloatVector x3 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp + 12));
            y30 = x3.fma(w0, y30);
            y31 = x3.fma(w1, y31);
        }
        long row0 = 4 * (yAt);
        FloatVector.fromMemorySegment(SPECIES, y, row0, ORDER).add(y00).intoMemorySegment(y, row0, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row0 + 4 * LANES, ORDER)
                .add(y01)
                .intoMemorySegment(y, row0 + 4 * LANES, ORDER);
        long row1 = 4 * (yAt + stride);
        FloatVector.fromMemorySegment(SPECIES, y, row1, ORDER).add(y10).intoMemorySegment(y, row1, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row1 + 4 * LANES, ORDER)
                .add(y11)
                .intoMemorySegment(y, row1 + 4 * LANES, ORDER);
        long row2 = 4 * (yAt + 2 * stride);
        FloatVector.fromMemorySegment(SPECIES, y, row2, ORDER).add(y20).intoMemorySegment(y, row2, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row2 + 4 * LANES, ORDER)
                .add(y21)
                .intoMemorySegment(y, row2 + 4 * LANES, ORDER);
        long row3 = 4 * (yAt + 3 * stride);
        FloatVector.fromMemorySegment(SPECIES, y, row3, ORDER).add(y30).intoMemorySegment(y, row3, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row3 + 4 * LANES, ORDER)
                .add(y31)
                .intoMemorySegment(y, row3 + 4 * LANES, ORDER);
    }
}
