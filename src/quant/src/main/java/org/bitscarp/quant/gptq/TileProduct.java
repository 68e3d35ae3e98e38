package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * C −= A·B on fp32 matrices inside larger ones: the one product that the factorisation and the feedback consist of.
 *
 * <p>Floor: 2·m·n·k operations. A tile of 4 rows and 4 vectors stays in registers while k runs; B's tile of k × 4 vectors
 * (32 KiB at k = 128 and 512 bits) stays in the first-level cache over all rows. Every element is one chain of fused
 * multiply-adds in the order of k, so results do not depend on the width of the vectors.
 */
final class TileProduct {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int ROWS = 4;
    private static final int LANES = SPECIES.length();
    private static final int WIDTH = 4 * LANES;

    private TileProduct() {}

    /**
     * A matrix inside a larger one.
     *
     * @param at index of its first float
     * @param rowStride floats from one row to the next
     * @param columnStride floats from one column to the next; 1 except for a transposed view
     */
    record View(MemorySegment data, long at, long rowStride, long columnStride) {
        /** Part of a row-major matrix of {@code columns} columns. */
        static View of(MemorySegment data, int columns, int row, int column) {
            return new View(data, (long) row * columns + column, columns, 1);
        }

        View transposed() {
            return new View(data, at, columnStride, rowStride);
        }
    }

    /**
     * Subtracts A·B.
     *
     * @param a [m, k], any strides
     * @param b [k, n], row-major
     * @param c [m, n], row-major
     */
    static void subtract(int m, int n, int k, View a, View b, View c) {
        int column = 0;
        for (; column + WIDTH <= n; column += WIDTH) {
            int row = 0;
            for (; row + ROWS <= m; row += ROWS) {
                tile(k, a, row, b, column, c);
            }
            for (; row < m; row++) {
                line(k, a, row, b, column, c);
            }
        }
        for (; column < n; column++) {
            for (int row = 0; row < m; row++) {
                single(k, a, row, b, column, c);
            }
        }
    }

    private static void tile(int k, View a, int row, View b, int column, View c) {
        MemorySegment cs = c.data;
        MemorySegment bs = b.data;
        MemorySegment as = a.data;
        long c0 = 4 * (c.at + row * c.rowStride + column);
        long step = 4 * c.rowStride;
        long lane = 4L * LANES;
        FloatVector v00 = load(cs, c0);
        FloatVector v01 = load(cs, c0 + lane);
        FloatVector v02 = load(cs, c0 + 2 * lane);
        FloatVector v03 = load(cs, c0 + 3 * lane);
        FloatVector v10 = load(cs, c0 + step);
        FloatVector v11 = load(cs, c0 + step + lane);
        FloatVector v12 = load(cs, c0 + step + 2 * lane);
        FloatVector v13 = load(cs, c0 + step + 3 * lane);
        FloatVector v20 = load(cs, c0 + 2 * step);
        FloatVector v21 = load(cs, c0 + 2 * step + lane);
        FloatVector v22 = load(cs, c0 + 2 * step + 2 * lane);
        FloatVector v23 = load(cs, c0 + 2 * step + 3 * lane);
        FloatVector v30 = load(cs, c0 + 3 * step);
        FloatVector v31 = load(cs, c0 + 3 * step + lane);
        FloatVector v32 = load(cs, c0 + 3 * step + 2 * lane);
        FloatVector v33 = load(cs, c0 + 3 * step + 3 * lane);
        long a0 = a.at + row * a.rowStride;
        long a1 = a0 + a.rowStride;
        long a2 = a1 + a.rowStride;
        long a3 = a2 + a.rowStride;
        long bAt = 4 * (b.at + column);
        long bStep = 4 * b.rowStride;
        long p = 0;
        for (int i = 0; i < k; i++) {
            FloatVector b0 = load(bs, bAt);
            FloatVector b1 = load(bs, bAt + lane);
            FloatVector b2 = load(bs, bAt + 2 * lane);
            FloatVector b3 = load(bs, bAt + 3 * lane);
            FloatVector x = minus(as, a0 + p);
            v00 = b0.fma(x, v00);
            v01 = b1.fma(x, v01);
            v02 = b2.fma(x, v02);
            v03 = b3.fma(x, v03);
            x = minus(as, a1 + p);
            v10 = b0.fma(x, v10);
            v11 = b1.fma(x, v11);
            v12 = b2.fma(x, v12);
            v13 = b3.fma(x, v13);
            x = minus(as, a2 + p);
            v20 = b0.fma(x, v20);
            v21 = b1.fma(x, v21);
            v22 = b2.fma(x, v22);
            v23 = b3.fma(x, v23);
            x = minus(as, a3 + p);
            v30 = b0.fma(x, v30);
            v31 = b1.fma(x, v31);
            v32 = b2.fma(x, v32);
            v33 = b3.fma(x, v33);
            p += a.columnStride;
            bAt += bStep;
        }
        store(v00, v01, v02, v03, cs, c0);
        store(v10, v11, v12, v13, cs, c0 + step);
        store(v20, v21, v22, v23, cs, c0 + 2 * step);
        store(v30, v31, v32, v33, cs, c0 + 3 * step);
    }

    /** One row, four vectors. */
    private static void line(int k, View a, int row, View b, int column, View c) {
        long lane = 4L * LANES;
        long at = 4 * (c.at + row * c.rowStride + column);
        FloatVector v0 = load(c.data, at);
        FloatVector v1 = load(c.data, at + lane);
        FloatVector v2 = load(c.data, at + 2 * lane);
        FloatVector v3 = load(c.data, at + 3 * lane);
        long aAt = a.at + row * a.rowStride;
        long bAt = 4 * (b.at + column);
        for (int i = 0; i < k; i++) {
            FloatVector x = minus(a.data, aAt);
            v0 = load(b.data, bAt).fma(x, v0);
            v1 = load(b.data, bAt + lane).fma(x, v1);
            v2 = load(b.data, bAt + 2 * lane).fma(x, v2);
            v3 = load(b.data, bAt + 3 * lane).fma(x, v3);
            aAt += a.columnStride;
            bAt += 4 * b.rowStride;
        }
        store(v0, v1, v2, v3, c.data, at);
    }

    private static void single(int k, View a, int row, View b, int column, View c) {
        long at = c.at + row * c.rowStride + column;
        float sum = c.data.getAtIndex(JAVA_FLOAT, at);
        long aAt = a.at + row * a.rowStride;
        long bAt = b.at + column;
        for (int i = 0; i < k; i++) {
            sum = Math.fma(b.data.getAtIndex(JAVA_FLOAT, bAt), -a.data.getAtIndex(JAVA_FLOAT, aAt), sum);
            aAt += a.columnStride;
            bAt += b.rowStride;
        }
        c.data.setAtIndex(JAVA_FLOAT, at, sum);
    }

    /** y −= factor·x over {@code n} floats. */
    static void subtract(int n, float factor, MemorySegment x, long xAt, MemorySegment y, long yAt) {
        FloatVector f = FloatVector.broadcast(SPECIES, -factor);
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            load(x, 4 * (xAt + i)).fma(f, load(y, 4 * (yAt + i))).intoMemorySegment(y, 4 * (yAt + i), ORDER);
        }
        for (; i < n; i++) {
            float value = Math.fma(x.getAtIndex(JAVA_FLOAT, xAt + i), -factor, y.getAtIndex(JAVA_FLOAT, yAt + i));
            y.setAtIndex(JAVA_FLOAT, yAt + i, value);
        }
    }

    /** x ·= factor over {@code n} floats. */
    static void scale(int n, float factor, MemorySegment x, long at) {
        for (long i = at; i < at + n; i++) {
            x.setAtIndex(JAVA_FLOAT, i, x.getAtIndex(JAVA_FLOAT, i) * factor);
        }
    }

    private static FloatVector minus(MemorySegment a, long at) {
        return FloatVector.broadcast(SPECIES, -a.getAtIndex(JAVA_FLOAT, at));
    }

    private static FloatVector load(MemorySegment s, long at) {
        return FloatVector.fromMemorySegment(SPECIES, s, at, ORDER);
    }

    private static void store(
            FloatVector v0, FloatVector v1, FloatVector v2, FloatVector v3, MemorySegment s, long at) {
        long lane = 4L * LANES;
        v0.intoMemorySegment(s, at, ORDER);
        v1.intoMemorySegment(s, at + lane, ORDER);
        v2.intoMemorySegment(s, at + 2 * lane, ORDER);
        v3.intoMemorySegment(s, at + 3 * lane, ORDER);
    }
}
