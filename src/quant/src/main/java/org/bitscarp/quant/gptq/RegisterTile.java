package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Four rows and four vectors of a product in registers. Unrolled by hand and without helper methods: the compiler keeps named
 * vectors in registers, but not arrays of them nor what goes through methods beyond its inlining budget.
 *
 * <p>Elements of A come from addresses without a check of alignment: with it, the quick compiler may run out of virtual
 * registers over the loop (it did where classes of integer vectors had been loaded before), and the method then stays in a
 * tier that is forty times slower.
 */
final class RegisterTile {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    static final int ROWS = 4;
    private static final int LANES = SPECIES.length();
    static final int WIDTH = 4 * LANES;
    /** Depth that products go to at a time: B is then 64 KiB with 512 bits, in the second-level cache. */
    static final int DEPTH = 256;
    /** Bytes of a vector. */
    private static final long LINE = 4L * LANES;

    private RegisterTile() {}

    /**
     * C[4 × WIDTH] += A·B.
     *
     * @param left A from index {@code leftAt} on, four rows, one column after another
     * @param right B from index {@code rightAt} on, [k × WIDTH]
     * @param at index of the first float of C
     * @param stride floats from one row of C to the next
     */
    static void add(
            int k,
            MemorySegment left,
            long leftAt,
            MemorySegment right,
            long rightAt,
            MemorySegment c,
            long at,
            long stride) {
        long c0 = 4 * at;
        long c1 = c0 + 4 * stride;
        long c2 = c1 + 4 * stride;
        long c3 = c2 + 4 * stride;
        FloatVector y00 = FloatVector.fromMemorySegment(SPECIES, c, c0, ORDER);
        FloatVector y01 = FloatVector.fromMemorySegment(SPECIES, c, c0 + LINE, ORDER);
        FloatVector y02 = FloatVector.fromMemorySegment(SPECIES, c, c0 + 2 * LINE, ORDER);
        FloatVector y03 = FloatVector.fromMemorySegment(SPECIES, c, c0 + 3 * LINE, ORDER);
        FloatVector y10 = FloatVector.fromMemorySegment(SPECIES, c, c1, ORDER);
        FloatVector y11 = FloatVector.fromMemorySegment(SPECIES, c, c1 + LINE, ORDER);
        FloatVector y12 = FloatVector.fromMemorySegment(SPECIES, c, c1 + 2 * LINE, ORDER);
        FloatVector y13 = FloatVector.fromMemorySegment(SPECIES, c, c1 + 3 * LINE, ORDER);
        FloatVector y20 = FloatVector.fromMemorySegment(SPECIES, c, c2, ORDER);
        FloatVector y21 = FloatVector.fromMemorySegment(SPECIES, c, c2 + LINE, ORDER);
        FloatVector y22 = FloatVector.fromMemorySegment(SPECIES, c, c2 + 2 * LINE, ORDER);
        FloatVector y23 = FloatVector.fromMemorySegment(SPECIES, c, c2 + 3 * LINE, ORDER);
        FloatVector y30 = FloatVector.fromMemorySegment(SPECIES, c, c3, ORDER);
        FloatVector y31 = FloatVector.fromMemorySegment(SPECIES, c, c3 + LINE, ORDER);
        FloatVector y32 = FloatVector.fromMemorySegment(SPECIES, c, c3 + 2 * LINE, ORDER);
        FloatVector y33 = FloatVector.fromMemorySegment(SPECIES, c, c3 + 3 * LINE, ORDER);
        for (int p = 0; p < k; p++) {
            long l = 4 * (leftAt + (long) p * ROWS);
            long q = 4 * (rightAt + (long) p * WIDTH);
            FloatVector b0 = FloatVector.fromMemorySegment(SPECIES, right, q, ORDER);
            FloatVector b1 = FloatVector.fromMemorySegment(SPECIES, right, q + LINE, ORDER);
            FloatVector b2 = FloatVector.fromMemorySegment(SPECIES, right, q + 2 * LINE, ORDER);
            FloatVector b3 = FloatVector.fromMemorySegment(SPECIES, right, q + 3 * LINE, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, left.get(JAVA_FLOAT_UNALIGNED, l));
            y00 = a0.fma(b0, y00);
            y01 = a0.fma(b1, y01);
            y02 = a0.fma(b2, y02);
            y03 = a0.fma(b3, y03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, left.get(JAVA_FLOAT_UNALIGNED, l + 4));
            y10 = a1.fma(b0, y10);
            y11 = a1.fma(b1, y11);
            y12 = a1.fma(b2, y12);
            y13 = a1.fma(b3, y13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, left.get(JAVA_FLOAT_UNALIGNED, l + 8));
            y20 = a2.fma(b0, y20);
            y21 = a2.fma(b1, y21);
            y22 = a2.fma(b2, y22);
            y23 = a2.fma(b3, y23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, left.get(JAVA_FLOAT_UNALIGNED, l + 12));
            y30 = a3.fma(b0, y30);
            y31 = a3.fma(b1, y31);
            y32 = a3.fma(b2, y32);
            y33 = a3.fma(b3, y33);
        }
        y00.intoMemorySegment(c, c0, ORDER);
        y01.intoMemorySegment(c, c0 + LINE, ORDER);
        y02.intoMemorySegment(c, c0 + 2 * LINE, ORDER);
        y03.intoMemorySegment(c, c0 + 3 * LINE, ORDER);
        y10.intoMemorySegment(c, c1, ORDER);
        y11.intoMemorySegment(c, c1 + LINE, ORDER);
        y12.intoMemorySegment(c, c1 + 2 * LINE, ORDER);
        y13.intoMemorySegment(c, c1 + 3 * LINE, ORDER);
        y20.intoMemorySegment(c, c2, ORDER);
        y21.intoMemorySegment(c, c2 + LINE, ORDER);
        y22.intoMemorySegment(c, c2 + 2 * LINE, ORDER);
        y23.intoMemorySegment(c, c2 + 3 * LINE, ORDER);
        y30.intoMemorySegment(c, c3, ORDER);
        y31.intoMemorySegment(c, c3 + LINE, ORDER);
        y32.intoMemorySegment(c, c3 + 2 * LINE, ORDER);
        y33.intoMemorySegment(c, c3 + 3 * LINE, ORDER);
    }

    /**
     * One row: C[WIDTH] −= A·B, with B as it lies.
     *
     * @param aStride floats from one element of A to the next
     * @param bStride floats from one row of B to the next
     */
    static void subtractLine(
            int k,
            MemorySegment a,
            long aAt,
            long aStride,
            MemorySegment b,
            long bAt,
            long bStride,
            MemorySegment c,
            long cAt) {
        long to = 4 * cAt;
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, c, to, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, c, to + LINE, ORDER);
        FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, c, to + 2 * LINE, ORDER);
        FloatVector y3 = FloatVector.fromMemorySegment(SPECIES, c, to + 3 * LINE, ORDER);
        for (int p = 0; p < k; p++) {
            FloatVector x = FloatVector.broadcast(SPECIES, -a.getAtIndex(JAVA_FLOAT, aAt + p * aStride));
            long from = 4 * (bAt + p * bStride);
            y0 = FloatVector.fromMemorySegment(SPECIES, b, from, ORDER).fma(x, y0);
            y1 = FloatVector.fromMemorySegment(SPECIES, b, from + LINE, ORDER).fma(x, y1);
            y2 = FloatVector.fromMemorySegment(SPECIES, b, from + 2 * LINE, ORDER)
                    .fma(x, y2);
            y3 = FloatVector.fromMemorySegment(SPECIES, b, from + 3 * LINE, ORDER)
                    .fma(x, y3);
        }
        y0.intoMemorySegment(c, to, ORDER);
        y1.intoMemorySegment(c, to + LINE, ORDER);
        y2.intoMemorySegment(c, to + 2 * LINE, ORDER);
        y3.intoMemorySegment(c, to + 3 * LINE, ORDER);
    }

    /**
     * One row: C[WIDTH] −= Σ factor × row of B, over a choice of rows.
     *
     * @param factors of the chosen rows
     * @param rows numbers of the chosen rows
     */
    static void subtractRows(
            int count,
            float[] factors,
            int[] rows,
            MemorySegment b,
            long bAt,
            long bStride,
            MemorySegment c,
            long cAt) {
        long to = 4 * cAt;
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, c, to, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, c, to + LINE, ORDER);
        FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, c, to + 2 * LINE, ORDER);
        FloatVector y3 = FloatVector.fromMemorySegment(SPECIES, c, to + 3 * LINE, ORDER);
        for (int p = 0; p < count; p++) {
            FloatVector x = FloatVector.broadcast(SPECIES, -factors[p]);
            long from = 4 * (bAt + rows[p] * bStride);
            y0 = FloatVector.fromMemorySegment(SPECIES, b, from, ORDER).fma(x, y0);
            y1 = FloatVector.fromMemorySegment(SPECIES, b, from + LINE, ORDER).fma(x, y1);
            y2 = FloatVector.fromMemorySegment(SPECIES, b, from + 2 * LINE, ORDER)
                    .fma(x, y2);
            y3 = FloatVector.fromMemorySegment(SPECIES, b, from + 3 * LINE, ORDER)
                    .fma(x, y3);
        }
        y0.intoMemorySegment(c, to, ORDER);
        y1.intoMemorySegment(c, to + LINE, ORDER);
        y2.intoMemorySegment(c, to + 2 * LINE, ORDER);
        y3.intoMemorySegment(c, to + 3 * LINE, ORDER);
    }
}
