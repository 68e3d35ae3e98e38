package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The matrix product in Java with the Vector API: the second implementation beside OpenBLAS, and the one where no native
 * library loads.
 *
 * <p>The usual blocking (Goto and van de Geijn 2008): w in panels of one tile's width that stay in the second-level cache,
 * x in slivers of four rows that stay in the first, one tile of y in registers. Floor: 2·m·n·k operations at two fused
 * multiply-adds per cycle; bench/RESULTS.md has the fraction reached.
 */
public final class VectorGemm implements Gemm {
    /** Rows of a tile. */
    static final int TILE_ROWS = 4;
    /** Depth of a block: a panel of w is 512 × 64 floats = 128 KiB with 512-bit vectors, an eighth of a 1 MiB L2. */
    private static final int DEPTH = 512;
    /** Rows of x packed at a time: 192 × 512 floats = 384 KiB. */
    private static final int BLOCK_ROWS = 192;
    /** Columns of y at a time; bounds the scratch memory to 4 MiB per thread. */
    private static final int BLOCK_COLUMNS = 2048;

    private final Tile tile;
    private final ThreadLocal<Scratch> scratch;

    public VectorGemm() {
        this(VectorMath.SPECIES.length() == 8 ? new Tile4x2() : new Tile4x4());
    }

    VectorGemm(Tile tile) {
        this.tile = tile;
        scratch = ThreadLocal.withInitial(() -> new Scratch(tile.width()));
    }

    @Override
    public String name() {
        return "Java Vector API, " + VectorMath.SPECIES.vectorBitSize() + " bits";
    }

    @Override
    public void multiply(int m, int n, int k, Panel x, Panel w, boolean transposed, Panel y) {
        clear(m, n, y);
        add(m, n, k, x, false, w, transposed, y);
    }

    @Override
    public void addTransposed(int m, int n, int k, Panel x, Panel w, Panel y) {
        add(m, n, k, x, true, w, false, y);
    }

    private void add(int m, int n, int k, Panel x, boolean xTransposed, Panel w, boolean wTransposed, Panel y) {
        Scratch s = scratch.get();
        int width = tile.width();
        for (int columns = 0; columns < n; columns += BLOCK_COLUMNS) {
            int n0 = Math.min(BLOCK_COLUMNS, n - columns);
            for (int depth = 0; depth < k; depth += DEPTH) {
                int k0 = Math.min(DEPTH, k - depth);
                packW(w, wTransposed, columns, n0, depth, k0, width, s.w);
                for (int rows = 0; rows < m; rows += BLOCK_ROWS) {
                    int m0 = Math.min(BLOCK_ROWS, m - rows);
                    packX(x, xTransposed, rows, m0, depth, k0, s.x);
                    long target = y.at() + (long) rows * y.stride() + columns;
                    multiplyBlock(m0, n0, k0, s, y, target);
                }
            }
        }
    }

    private void multiplyBlock(int m, int n, int k, Scratch s, Panel y, long yAt) {
        int width = tile.width();
        for (int j = 0; j < n; j += width) {
            for (int i = 0; i < m; i += TILE_ROWS) {
                long at = yAt + (long) i * y.stride() + j;
                if (i + TILE_ROWS <= m && j + width <= n) {
                    tile.multiply(k, s.x, (long) i * k, s.w, (long) j * k, y.data(), at, y.stride());
                } else {
                    s.edge.fill((byte) 0);
                    tile.multiply(k, s.x, (long) i * k, s.w, (long) j * k, s.edge, 0, width);
                    addEdge(Math.min(TILE_ROWS, m - i), Math.min(width, n - j), s.edge, y, at);
                }
            }
        }
    }

    private void addEdge(int rows, int columns, MemorySegment edge, Panel y, long at) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                long target = at + (long) i * y.stride() + j;
                float value = edge.getAtIndex(JAVA_FLOAT, (long) i * tile.width() + j);
                y.data().setAtIndex(JAVA_FLOAT, target, y.data().getAtIndex(JAVA_FLOAT, target) + value);
            }
        }
    }

    /** Slivers of four rows, one column of the sliver after another; missing rows are zero. */
    private static void packX(
            Panel x, boolean transposed, int row, int rows, int column, int columns, MemorySegment target) {
        long rowStep = transposed ? 1 : x.stride();
        long columnStep = transposed ? x.stride() : 1;
        for (int i = 0; i < rows; i += TILE_ROWS) {
            for (int r = 0; r < TILE_ROWS; r++) {
                long to = (long) i * columns + r;
                if (i + r < rows) {
                    long from = x.at() + (row + i + r) * rowStep + column * columnStep;
                    for (int p = 0; p < columns; p++) {
                        float value = x.data().getAtIndex(JAVA_FLOAT, from + p * columnStep);
                        target.setAtIndex(JAVA_FLOAT, to + (long) p * TILE_ROWS, value);
                    }
                } else {
                    for (int p = 0; p < columns; p++) {
                        target.setAtIndex(JAVA_FLOAT, to + (long) p * TILE_ROWS, 0);
                    }
                }
            }
        }
    }

    /** Panels of a tile's width, one row of the panel (one k) after another; missing columns are zero. */
    private static void packW(
            Panel w, boolean transposed, int column, int columns, int depth, int k, int width, MemorySegment target) {
        for (int j = 0; j < columns; j += width) {
            int present = Math.min(width, columns - j);
            long panel = (long) j * k;
            if (transposed) {
                for (int c = 0; c < width; c++) {
                    long to = panel + c;
                    long from = w.at() + (long) (column + j + c) * w.stride() + depth;
                    for (int p = 0; p < k; p++) {
                        float value = c < present ? w.data().getAtIndex(JAVA_FLOAT, from + p) : 0;
                        target.setAtIndex(JAVA_FLOAT, to + (long) p * width, value);
                    }
                }
            } else {
                for (int p = 0; p < k; p++) {
                    long from = w.at() + (long) (depth + p) * w.stride() + column + j;
                    long to = panel + (long) p * width;
                    MemorySegment.copy(w.data(), 4 * from, target, 4 * to, 4L * present);
                    target.asSlice(4 * (to + present), 4L * (width - present)).fill((byte) 0);
                }
            }
        }
    }

    private static void clear(int m, int n, Panel y) {
        for (int i = 0; i < m; i++) {
            y.data().asSlice(4 * (y.at() + (long) i * y.stride()), 4L * n).fill((byte) 0);
        }
    }

    /** A register tile: y[4 × width] += x·w. Offsets and stride in floats. */
    interface Tile {
        int width();

        void multiply(
                int k, MemorySegment x, long xAt, MemorySegment w, long wAt, MemorySegment y, long yAt, long stride);
    }

    /** Packed operands of the calling thread; freed with the thread. */
    private static final class Scratch {
        /** Keeps the memory below alive. */
        final Arena arena = Arena.ofAuto();

        final MemorySegment x;
        final MemorySegment w;
        final MemorySegment edge;

        Scratch(int width) {
            x = HostMemory.allocate(arena, BLOCK_ROWS * DEPTH);
            w = HostMemory.allocate(arena, (BLOCK_COLUMNS + width) * DEPTH);
            edge = HostMemory.allocate(arena, TILE_ROWS * width);
        }
    }
}
