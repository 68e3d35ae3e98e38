package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * A 6 × 2 vectors tile of a matrix product, accumulated in registers: 12 accumulators, 2 vectors of w and one
 * broadcast of x, 15 registers of the 16 that AVX2 has. Unrolled by hand because
 * the compiler keeps named vectors in registers but not arrays of them.
 */
final class Tile6x2 implements VectorGemm.Tile {
    private static final int LANES = SPECIES.length();
    private static final int ROWS = 6;
    private static final int WIDTH = 2 * LANES;

    @Override
    public int width() {
        return WIDTH;
    }

    @Override
    public void multiply(
            int k, MemorySegment x, long xAt, MemorySegment w, long wAt, MemorySegment y, long yAt, long stride,
            boolean accumulate) {
        FloatVector y00 = FloatVector.zero(SPECIES);
        FloatVector y01 = FloatVector.zero(SPECIES);
        FloatVector y10 = FloatVector.zero(SPECIES);
        FloatVector y11 = FloatVector.zero(SPECIES);
        FloatVector y20 = FloatVector.zero(SPECIES);
        FloatVector y21 = FloatVector.zero(SPECIES);
        FloatVector y30 = FloatVector.zero(SPECIES);
        FloatVector y31 = FloatVector.zero(SPECIES);
        FloatVector y40 = FloatVector.zero(SPECIES);
        FloatVector y41 = FloatVector.zero(SPECIES);
        FloatVector y50 = FloatVector.zero(SPECIES);
        FloatVector y51 = FloatVector.zero(SPECIES);
        for (int p = 0; p < k; p++) {
            long xp = xAt + (long) p * ROWS;
            long wp = wAt + (long) p * WIDTH;
            FloatVector w0 = load(w, wp);
            FloatVector w1 = load(w, wp + LANES);
            FloatVector x0 = broadcast(x, xp);
            y00 = x0.fma(w0, y00);
            y01 = x0.fma(w1, y01);
            x0 = broadcast(x, xp + 1);
            y10 = x0.fma(w0, y10);
            y11 = x0.fma(w1, y11);
            x0 = broadcast(x, xp + 2);
            y20 = x0.fma(w0, y20);
            y21 = x0.fma(w1, y21);
            x0 = broadcast(x, xp + 3);
            y30 = x0.fma(w0, y30);
            y31 = x0.fma(w1, y31);
            x0 = broadcast(x, xp + 4);
            y40 = x0.fma(w0, y40);
            y41 = x0.fma(w1, y41);
            x0 = broadcast(x, xp + 5);
            y50 = x0.fma(w0, y50);
            y51 = x0.fma(w1, y51);
        }
        long row0 = yAt;
        store(y00, y, row0, accumulate);
        store(y01, y, row0 + LANES, accumulate);
        long row1 = yAt + stride;
        store(y10, y, row1, accumulate);
        store(y11, y, row1 + LANES, accumulate);
        long row2 = yAt + 2 * stride;
        store(y20, y, row2, accumulate);
        store(y21, y, row2 + LANES, accumulate);
        long row3 = yAt + 3 * stride;
        store(y30, y, row3, accumulate);
        store(y31, y, row3 + LANES, accumulate);
        long row4 = yAt + 4 * stride;
        store(y40, y, row4, accumulate);
        store(y41, y, row4 + LANES, accumulate);
        long row5 = yAt + 5 * stride;
        store(y50, y, row5, accumulate);
        store(y51, y, row5 + LANES, accumulate);
    }

    private static FloatVector load(MemorySegment data, long at) {
        return FloatVector.fromMemorySegment(SPECIES, data, 4 * at, ORDER);
    }

    private static FloatVector broadcast(MemorySegment data, long at) {
        return FloatVector.broadcast(SPECIES, data.getAtIndex(JAVA_FLOAT, at));
    }

    private static void store(FloatVector tile, MemorySegment y, long at, boolean accumulate) {
        (accumulate ? tile.add(load(y, at)) : tile).intoMemorySegment(y, 4 * at, ORDER);
    }
}
