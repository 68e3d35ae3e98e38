package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * C −= A·B on fp32 matrices inside larger ones: the one product that factorisation and feedback consist of.
 *
 * <p>Floor: 2·m·n·k operations. B is packed strip by strip, k × 4 vectors, A once for all strips, so that neither long strides
 * nor transposed views cost cache lines (in rows of 4,096 bytes, a strip's rows would all fall into one set of the first
 * level). {@link RegisterTile} does the rest. Every element is one chain of fused multiply-adds in the order of k, so results
 * do not depend on the width of the vectors.
 */
final class TileProduct {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int ROWS = RegisterTile.ROWS;
    private static final int LANES = SPECIES.length();
    private static final int WIDTH = RegisterTile.WIDTH;
    private static final int DEPTH = RegisterTile.DEPTH;

    private static final ThreadLocal<Operands> OPERANDS = ThreadLocal.withInitial(Operands::new);

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
        subtract(m, n, k, a, b, c, false);
    }

    /** The same for an upper triangular B, square; what lies below its diagonal has to be 0. */
    static void subtractTriangular(int m, int n, View a, View b, View c) {
        subtract(m, n, n, a, b, c, true);
    }

    private static void subtract(int m, int n, int k, View a, View b, View c, boolean triangular) {
        if (m < ROWS) {
            for (int row = 0; row < m; row++) {
                line(n, k, a, row, b, c);
            }
            return;
        }
        Operands packed = OPERANDS.get();
        MemorySegment left = packed.left.bytes(4L * Math.ceilDiv(m, ROWS) * ROWS * Math.min(k, DEPTH));
        for (int from = 0; from < k; from += DEPTH) {
            int deep = Math.min(DEPTH, k - from);
            packNegated(m, deep, a, from, left);
            for (int column = 0; column < n; column += WIDTH) {
                int width = Math.min(WIDTH, n - column);
                if (triangular && column + width <= from) {
                    continue;
                }
                pack(deep, width, b, from, column, packed.right);
                strip(m, width, deep, left, packed.right, c, column, packed.edge);
            }
        }
    }

    /** Packed operands of the calling thread; freed with the thread. */
    private static final class Operands {
        private final Scratch left = new Scratch();
        private final MemorySegment right = Arena.ofAuto().allocate(4L * DEPTH * WIDTH, 64);
        /** Tiles that lie on the edge of C. */
        private final MemorySegment edge = Arena.ofAuto().allocate(4L * ROWS * WIDTH, 64);
    }

    private static void strip(
            int m, int width, int k, MemorySegment left, MemorySegment right, View c, int column, MemorySegment edge) {
        for (int row = 0; row < m; row += ROWS) {
            long at = c.at + row * c.rowStride + column;
            int rows = Math.min(ROWS, m - row);
            if (rows == ROWS && width == WIDTH) {
                RegisterTile.add(k, left, (long) row * k, right, 0, c.data, at, c.rowStride);
                continue;
            }
            for (int r = 0; r < rows; r++) {
                MemorySegment.copy(c.data, 4 * (at + r * c.rowStride), edge, 4L * r * WIDTH, 4L * width);
            }
            RegisterTile.add(k, left, (long) row * k, right, 0, edge, 0, WIDTH);
            for (int r = 0; r < rows; r++) {
                MemorySegment.copy(edge, 4L * r * WIDTH, c.data, 4 * (at + r * c.rowStride), 4L * width);
            }
        }
    }

    /** −A in slivers of four rows, one column of the sliver after another; missing rows are zero. */
    static void packNegated(int m, int k, View a, int from, MemorySegment target) {
        for (int row = 0; row < m; row += ROWS) {
            for (int r = 0; r < ROWS; r++) {
                long to = (long) row * k + r;
                long at = a.at + (row + r) * a.rowStride + from * a.columnStride;
                boolean present = row + r < m;
                for (int p = 0; p < k; p++) {
                    float value = present ? -a.data.getAtIndex(JAVA_FLOAT, at + p * a.columnStride) : 0;
                    target.setAtIndex(JAVA_FLOAT, to + p * ROWS, value);
                }
            }
        }
    }

    /** A strip of B, row after row; missing columns are left as they are. */
    private static void pack(int k, int width, View b, int from, int column, MemorySegment target) {
        for (int p = 0; p < k; p++) {
            long at = b.at + (from + p) * b.rowStride + column;
            MemorySegment.copy(b.data, 4 * at, target, 4L * p * WIDTH, 4L * width);
        }
    }

    /** One row, without packing. */
    private static void line(int n, int k, View a, int row, View b, View c) {
        int column = 0;
        long aAt = a.at + row * a.rowStride;
        for (; column + WIDTH <= n; column += WIDTH) {
            RegisterTile.subtractLine(
                    k,
                    a.data,
                    aAt,
                    a.columnStride,
                    b.data,
                    b.at + column,
                    b.rowStride,
                    c.data,
                    c.at + row * c.rowStride + column);
        }
        for (; column < n; column++) {
            long at = c.at + row * c.rowStride + column;
            float sum = c.data.getAtIndex(JAVA_FLOAT, at);
            for (int i = 0; i < k; i++) {
                float x = b.data.getAtIndex(JAVA_FLOAT, b.at + i * b.rowStride + column);
                sum = Math.fma(x, -a.data.getAtIndex(JAVA_FLOAT, aAt + i * a.columnStride), sum);
            }
            c.data.setAtIndex(JAVA_FLOAT, at, sum);
        }
    }

    /**
     * One row: C −= Σ factor × row of B, over a choice of rows; the chain of {@link #subtract(int, int, int, View, View, View)}
     * without the rows whose factor would be 0.
     *
     * @param n columns
     * @param count chosen rows
     * @param b [any, n], row-major
     * @param c [1, n]
     */
    static void subtractRows(int n, int count, float[] factors, int[] rows, View b, View c) {
        int column = 0;
        for (; column + WIDTH <= n; column += WIDTH) {
            RegisterTile.subtractRows(count, factors, rows, b.data, b.at + column, b.rowStride, c.data, c.at + column);
        }
        if (column < n) {
            for (int p = 0; p < count; p++) {
                subtract(n - column, factors[p], b.data, b.at + rows[p] * b.rowStride + column, c.data, c.at + column);
            }
        }
    }

    /** y −= factor·x over {@code n} floats. */
    static void subtract(int n, float factor, MemorySegment x, long xAt, MemorySegment y, long yAt) {
        FloatVector f = FloatVector.broadcast(SPECIES, -factor);
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromMemorySegment(SPECIES, x, 4 * (xAt + i), ORDER)
                    .fma(f, FloatVector.fromMemorySegment(SPECIES, y, 4 * (yAt + i), ORDER))
                    .intoMemorySegment(y, 4 * (yAt + i), ORDER);
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
}
