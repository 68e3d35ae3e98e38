package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.bitscarp.quant.Workers;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Blocked factorisation of a positive definite matrix and inverse of the factor, in place, in strips of columns that workers
 * share out: what one of them does to its strip depends on rows that are done, never on another strip of the same rows. Floor:
 * n³/3 operations each, all but a share of about {@link #BLOCK} / n of them in {@link RegisterTile}. Every element is one
 * chain of fused multiply-adds in an order that depends neither on workers nor on the width of vectors.
 */
final class Cholesky {
    private static final int BLOCK = 128;
    /** Columns of a strip. */
    static final int STRIP = RegisterTile.WIDTH;

    private final PackedUpper matrix;
    private final MemorySegment data;
    private final int n;
    private final Workers workers;

    /** The block on the diagonal, in rows of {@link #BLOCK}, and 1 / its diagonal where it is factored. */
    private final MemorySegment block;

    private final float[] inverses = new float[BLOCK];
    /** Its negated transpose as the left factor of products. */
    private final MemorySegment blockLeft;
    /** A block of rows right of the diagonal, negated: its transpose, or itself, as the left factor of products. */
    private final MemorySegment left;

    /**
     * @param matrix in strips of {@link #STRIP}; zero in columns that fill up the last one
     * @param memory that all workers may use
     */
    Cholesky(PackedUpper matrix, SegmentAllocator memory, Workers workers) {
        this.matrix = matrix;
        this.workers = workers;
        data = matrix.data();
        n = matrix.size();
        block = memory.allocate(4L * BLOCK * BLOCK, 64);
        blockLeft = memory.allocate(4L * BLOCK * BLOCK, 64);
        left = memory.allocate(4L * BLOCK * matrix.groups() * STRIP, 64);
    }

    /**
     * A = RᵀR with R upper triangular (Golub and Van Loan, section 4.2.7).
     *
     * @return false where a pivot is not positive; the contents are then of no use
     */
    boolean factor() {
        for (int k = 0; k < n; k += BLOCK) {
            int size = Math.min(BLOCK, n - k);
            takeBlock(k, size);
            if (!factorBlock(size)) {
                return false;
            }
            putBlock(k, size);
            TileProduct.packNegated(BLOCK, BLOCK, View.of(block, BLOCK, 0, 0).transposed(), 0, blockLeft);
            int row = k;
            int end = k + size;
            int strips = stripsFrom(end);
            workers.forEach(strips, i -> solvePanel(row, end, end + i * STRIP));
            // The longest first.
            workers.forEach(strips, i -> updateStrip(row, end, end + (strips - 1 - i) * STRIP));
        }
        return true;
    }

    /** Strips from a column on, which begins one or is the end. */
    private int stripsFrom(int column) {
        return column < n ? Math.ceilDiv(n - column, STRIP) : 0;
    }

    private void takeBlock(int k, int size) {
        for (int j = k; j < k + size; j += STRIP) {
            int rows = Math.min(size, j + STRIP - k);
            int width = Math.min(STRIP, k + size - j);
            for (int i = 0; i < rows; i++) {
                MemorySegment.copy(data, 4 * matrix.at(k + i, j), block, 4L * (i * BLOCK + j - k), 4L * width);
            }
        }
    }

    private void putBlock(int k, int size) {
        for (int j = k; j < k + size; j += STRIP) {
            int rows = Math.min(size, j + STRIP - k);
            int width = Math.min(STRIP, k + size - j);
            for (int i = 0; i < rows; i++) {
                MemorySegment.copy(block, 4L * (i * BLOCK + j - k), data, 4 * matrix.at(k + i, j), 4L * width);
            }
        }
    }

    /** The factorisation of the block in one piece. */
    private boolean factorBlock(int size) {
        for (int i = 0; i < size; i++) {
            // From the beginning of a strip: what changes below the diagonal is of no use, and whole strips are faster.
            int from = i / STRIP * STRIP;
            TileProduct.subtract(
                    1,
                    BLOCK - from,
                    i,
                    View.of(block, BLOCK, 0, i).transposed(),
                    View.of(block, BLOCK, 0, from),
                    View.of(block, BLOCK, i, from));
            float pivot = block.getAtIndex(JAVA_FLOAT, (long) i * BLOCK + i);
            if (!(pivot > 0 && pivot < Float.POSITIVE_INFINITY)) {
                return false;
            }
            inverses[i] = (float) (1 / Math.sqrt(pivot));
            TileProduct.scale(size - i, inverses[i], block, (long) i * BLOCK + i);
        }
        return true;
    }

    /** Rows {@code [k, end)} of a strip become R⁻ᵀ times themselves, row after row; −R goes to {@link #left}. */
    private void solvePanel(int k, int end, int column) {
        int size = end - k;
        for (int i = 0; i < size; i += RegisterTile.ROWS) {
            long tile = matrix.at(k + i, column);
            RegisterTile.add(i, blockLeft, sliver(i, BLOCK), data, matrix.at(k, column), data, tile, STRIP);
            for (int row = i; row < i + RegisterTile.ROWS; row++) {
                long at = matrix.at(k + row, column);
                for (int p = i; p < row; p++) {
                    float factor = block.getAtIndex(JAVA_FLOAT, (long) p * BLOCK + row);
                    TileProduct.subtract(STRIP, factor, data, matrix.at(k + p, column), data, at);
                }
                TileProduct.scale(STRIP, inverses[row], data, at);
            }
        }
        for (int c = 0; c < STRIP; c += RegisterTile.ROWS) {
            long to = sliver(column - end + c, size);
            for (int p = 0; p < size; p++, to += RegisterTile.ROWS) {
                long from = matrix.at(k, column) + (long) p * STRIP + c;
                for (int r = 0; r < RegisterTile.ROWS; r++) {
                    left.setAtIndex(JAVA_FLOAT, to + r, -data.getAtIndex(JAVA_FLOAT, from + r));
                }
            }
        }
    }

    /** Takes rows {@code [k, end)} from a strip's rows below them. */
    private void updateStrip(int k, int end, int column) {
        int size = end - k;
        for (int row = end; row < column + STRIP; row += RegisterTile.ROWS) {
            RegisterTile.add(
                    size,
                    left,
                    sliver(row - end, size),
                    data,
                    matrix.at(k, column),
                    data,
                    matrix.at(row, column),
                    STRIP);
        }
    }

    /** R becomes R⁻¹, from the last block of rows to the first (block back substitution); zero below the diagonal. */
    void invert() {
        for (int k = (n - 1) / BLOCK * BLOCK; k >= 0; k -= BLOCK) {
            int row = k;
            int size = Math.min(BLOCK, n - k);
            int end = k + size;
            takeBlock(k, size);
            // The rows of R move aside; their place takes −R·X of the rows below, then the solution.
            int behind = stripsFrom(end);
            workers.forEach(behind, i -> moveAside(row, end, end + i * STRIP));
            int strips = Math.ceilDiv(n - k, STRIP);
            workers.forEach(strips, i -> invertStrip(row, end, row + (strips - 1 - i) * STRIP));
        }
    }

    private void moveAside(int k, int end, int column) {
        int deep = stripsFrom(end) * STRIP;
        for (int i = 0; i < end - k; i++) {
            long from = matrix.at(k + i, column);
            long to = sliver(i, deep) + (long) (column - end) * RegisterTile.ROWS;
            for (int c = 0; c < STRIP; c++) {
                left.setAtIndex(JAVA_FLOAT, to + c * RegisterTile.ROWS, -data.getAtIndex(JAVA_FLOAT, from + c));
            }
        }
    }

    private void invertStrip(int k, int end, int column) {
        int rows = Math.min(end, column + STRIP) - k;
        data.asSlice(4 * matrix.at(k, column), 4L * rows * STRIP).fill((byte) 0);
        for (int i = column; i < Math.min(end, column + STRIP); i++) {
            data.setAtIndex(JAVA_FLOAT, matrix.at(i, i), 1);
        }
        int deep = stripsFrom(end) * STRIP;
        int until = end < n ? column + STRIP : end;
        for (int from = end; from < until; from += RegisterTile.DEPTH) {
            int depth = Math.min(RegisterTile.DEPTH, until - from);
            for (int i = 0; i < rows; i += RegisterTile.ROWS) {
                RegisterTile.add(
                        depth,
                        left,
                        sliver(i, deep) + (long) (from - end) * RegisterTile.ROWS,
                        data,
                        matrix.at(from, column),
                        data,
                        matrix.at(k + i, column),
                        STRIP);
            }
        }
        for (int i = rows - 1; i >= 0; i--) {
            TileProduct.subtract(
                    1,
                    STRIP,
                    rows - 1 - i,
                    View.of(block, BLOCK, i, i + 1),
                    strip(k + i + 1, column),
                    strip(k + i, column));
            TileProduct.scale(
                    STRIP, 1 / block.getAtIndex(JAVA_FLOAT, (long) i * BLOCK + i), data, matrix.at(k + i, column));
        }
    }

    /** Index of a row's first float in {@link #left}: slivers of four rows, one column of the sliver after another. */
    private static long sliver(int row, int deep) {
        return (long) row / RegisterTile.ROWS * RegisterTile.ROWS * deep + row % RegisterTile.ROWS;
    }

    private View strip(int row, int column) {
        return new View(data, matrix.at(row, column), STRIP, 1);
    }
}
