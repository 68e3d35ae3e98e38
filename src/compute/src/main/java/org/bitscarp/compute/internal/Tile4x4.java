package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * A 4 × 4 vectors tile of a matrix product, accumulated in registers: 16 accumulators, 4 vectors of w and one broadcast
 * of x, 21 of the 32 registers that AVX-512 and NEON have.
 *
 * <p>Unrolled by hand, because the compiler keeps named vectors in registers but not arrays of them. Without helper methods,
 * because this many calls exhaust its inlining budget: the JDK's own are always inlined, ours would put every vector on the
 * heap (six times slower). Four rows, because with six the quick compiler gives up ("out of virtual registers") and the
 * method can stay in a tier that is a hundred times slower. All three measured on JDK 25.
 */
final class Tile4x4 implements VectorGemm.Tile {
    private static final int LANES = SPECIES.length();
    private static final int ROWS = 4;
    private static final int WIDTH = 4 * LANES;

    @Override
    public int width() {
        return WIDTH;
    }

    @Override
    public void multiply(
            int k, MemorySegment x, long xAt, MemorySegment w, long wAt, MemorySegment y, long yAt, long stride) {
        FloatVector y00 = FloatVector.zero(SPECIES);
        FloatVector y01 = FloatVector.zero(SPECIES);
        FloatVector y02 = FloatVector.zero(SPECIES);
        FloatVector y03 = FloatVector.zero(SPECIES);
        FloatVector y10 = FloatVector.zero(SPECIES);
        FloatVector y11 = FloatVector.zero(SPECIES);
        FloatVector y12 = FloatVector.zero(SPECIES);
        FloatVector y13 = FloatVector.zero(SPECIES);
        FloatVector y20 = FloatVector.zero(SPECIES);
        FloatVector y21 = FloatVector.zero(SPECIES);
        FloatVector y22 = FloatVector.zero(SPECIES);
        FloatVector y23 = FloatVector.zero(SPECIES);
        FloatVector y30 = FloatVector.zero(SPECIES);
        FloatVector y31 = FloatVector.zero(SPECIES);
        FloatVector y32 = FloatVector.zero(SPECIES);
        FloatVector y33 = FloatVector.zero(SPECIES);
        for (int p = 0; p < k; p++) {
            long xp = 4 * (xAt + (long) p * ROWS);
            long wp = 4 * (wAt + (long) p * WIDTH);
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wp, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wp + 4 * LANES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wp + 8 * LANES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wp + 12 * LANES, ORDER);
            FloatVector x0 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp));
            y00 = x0.fma(w0, y00);
            y01 = x0.fma(w1, y01);
            y02 = x0.fma(w2, y02);
            y03 = x0.fma(w3, y03);
            FloatVector x1 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp + 4));
            y10 = x1.fma(w0, y10);
            y11 = x1.fma(w1, y11);
            y12 = x1.fma(w2, y12);
            y13 = x1.fma(w3, y13);
            FloatVector x2 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp + 8));
            y20 = x2.fma(w0, y20);
            y21 = x2.fma(w1, y21);
            y22 = x2.fma(w2, y22);
            y23 = x2.fma(w3, y23);
            FloatVector x3 = FloatVector.broadcast(SPECIES, x.get(JAVA_FLOAT_UNALIGNED, xp + 12));
            y30 = x3.fma(w0, y30);
            y31 = x3.fma(w1, y31);
            y32 = x3.fma(w2, y32);
            y33 = x3.fma(w3, y33);
        }
        long row0 = 4 * (yAt);
        FloatVector.fromMemorySegment(SPECIES, y, row0, ORDER).add(y00).intoMemorySegment(y, row0, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row0 + 4 * LANES, ORDER)
                .add(y01)
                .intoMemorySegment(y, row0 + 4 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row0 + 8 * LANES, ORDER)
                .add(y02)
                .intoMemorySegment(y, row0 + 8 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row0 + 12 * LANES, ORDER)
                .add(y03)
                .intoMemorySegment(y, row0 + 12 * LANES, ORDER);
        long row1 = 4 * (yAt + stride);
        FloatVector.fromMemorySegment(SPECIES, y, row1, ORDER).add(y10).intoMemorySegment(y, row1, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row1 + 4 * LANES, ORDER)
                .add(y11)
                .intoMemorySegment(y, row1 + 4 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row1 + 8 * LANES, ORDER)
                .add(y12)
                .intoMemorySegment(y, row1 + 8 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row1 + 12 * LANES, ORDER)
                .add(y13)
                .intoMemorySegment(y, row1 + 12 * LANES, ORDER);
        long row2 = 4 * (yAt + 2 * stride);
        FloatVector.fromMemorySegment(SPECIES, y, row2, ORDER).add(y20).intoMemorySegment(y, row2, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row2 + 4 * LANES, ORDER)
                .add(y21)
                .intoMemorySegment(y, row2 + 4 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row2 + 8 * LANES, ORDER)
                .add(y22)
                .intoMemorySegment(y, row2 + 8 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row2 + 12 * LANES, ORDER)
                .add(y23)
                .intoMemorySegment(y, row2 + 12 * LANES, ORDER);
        long row3 = 4 * (yAt + 3 * stride);
        FloatVector.fromMemorySegment(SPECIES, y, row3, ORDER).add(y30).intoMemorySegment(y, row3, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row3 + 4 * LANES, ORDER)
                .add(y31)
                .intoMemorySegment(y, row3 + 4 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row3 + 8 * LANES, ORDER)
                .add(y32)
                .intoMemorySegment(y, row3 + 8 * LANES, ORDER);
        FloatVector.fromMemorySegment(SPECIES, y, row3 + 12 * LANES, ORDER)
                .add(y33)
                .intoMemorySegment(y, row3 + 12 * LANES, ORDER);
    }
}
