package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * A 6 × 4 vectors tile of a matrix product, accumulated in registers: 24 accumulators, 4 vectors of w and one
 * broadcast of x, 29 registers of the 32 that AVX-512 and NEON have. Unrolled by hand because
 * the compiler keeps named vectors in registers but not arrays of them.
 */
final class Tile6x4 implements VectorGemm.Tile {
    private static final int LANES = SPECIES.length();
    private static final int ROWS = 6;
    private static final int WIDTH = 4 * LANES;

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
        FloatVector y40 = FloatVector.zero(SPECIES);
        FloatVector y41 = FloatVector.zero(SPECIES);
        FloatVector y42 = FloatVector.zero(SPECIES);
        FloatVector y43 = FloatVector.zero(SPECIES);
        FloatVector y50 = FloatVector.zero(SPECIES);
        FloatVector y51 = FloatVector.zero(SPECIES);
        FloatVector y52 = FloatVector.zero(SPECIES);
        FloatVector y53 = FloatVector.zero(SPECIES);
        for (int p = 0; p < k; p++) {
            long xp = xAt + (long) p * ROWS;
            long wp = wAt + (long) p * WIDTH;
            FloatVector w0 = load(w, wp);
            FloatVector w1 = load(w, wp + LANES);
            FloatVector w2 = load(w, wp + 2 * LANES);
            FloatVector w3 = load(w, wp + 3 * LANES);
            FloatVector x0 = broadcast(x, xp);
            y00 = x0.fma(w0, y00);
            y01 = x0.fma(w1, y01);
            y02 = x0.fma(w2, y02);
            y03 = x0.fma(w3, y03);
            x0 = broadcast(x, xp + 1);
            y10 = x0.fma(w0, y10);
            y11 = x0.fma(w1, y11);
            y12 = x0.fma(w2, y12);
            y13 = x0.fma(w3, y13);
            x0 = broadcast(x, xp + 2);
            y20 = x0.fma(w0, y20);
            y21 = x0.fma(w1, y21);
            y22 = x0.fma(w2, y22);
            y23 = x0.fma(w3, y23);
            x0 = broadcast(x, xp + 3);
            y30 = x0.fma(w0, y30);
            y31 = x0.fma(w1, y31);
            y32 = x0.fma(w2, y32);
            y33 = x0.fma(w3, y33);
            x0 = broadcast(x, xp + 4);
            y40 = x0.fma(w0, y40);
            y41 = x0.fma(w1, y41);
            y42 = x0.fma(w2, y42);
            y43 = x0.fma(w3, y43);
            x0 = broadcast(x, xp + 5);
            y50 = x0.fma(w0, y50);
            y51 = x0.fma(w1, y51);
            y52 = x0.fma(w2, y52);
            y53 = x0.fma(w3, y53);
        }
        long row0 = yAt;
        store(y00, y, row0, accumulate);
        store(y01, y, row0 + LANES, accumulate);
        store(y02, y, row0 + 2 * LANES, accumulate);
        store(y03, y, row0 + 3 * LANES, accumulate);
        long row1 = yAt + stride;
        store(y10, y, row1, accumulate);
        store(y11, y, row1 + LANES, accumulate);
        store(y12, y, row1 + 2 * LANES, accumulate);
        store(y13, y, row1 + 3 * LANES, accumulate);
        long row2 = yAt + 2 * stride;
        store(y20, y, row2, accumulate);
        store(y21, y, row2 + LANES, accumulate);
        store(y22, y, row2 + 2 * LANES, accumulate);
        store(y23, y, row2 + 3 * LANES, accumulate);
        long row3 = yAt + 3 * stride;
        store(y30, y, row3, accumulate);
        store(y31, y, row3 + LANES, accumulate);
        store(y32, y, row3 + 2 * LANES, accumulate);
        store(y33, y, row3 + 3 * LANES, accumulate);
        long row4 = yAt + 4 * stride;
        store(y40, y, row4, accumulate);
        store(y41, y, row4 + LANES, accumulate);
        store(y42, y, row4 + 2 * LANES, accumulate);
        store(y43, y, row4 + 3 * LANES, accumulate);
        long row5 = yAt + 5 * stride;
        store(y50, y, row5, accumulate);
        store(y51, y, row5 + LANES, accumulate);
        store(y52, y, row5 + 2 * LANES, accumulate);
        store(y53, y, row5 + 3 * LANES, accumulate);
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
