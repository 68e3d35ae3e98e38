package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.ScaleError;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Fits scale and offset of one part of a block after another to the codes that stand, where the layer's output error
 * (w − q)(H + λI)(w − q)ᵀ is least: least squares with two unknowns, rounded to what the format can store. A grid that is
 * fitted before its weights are rounded cannot know what error feedback still does to them. The error never grows. Rows go
 * together, block after block, so that these rows of H are read once for all of them. Floor: 2·n² operations a row for the
 * gradient, and 4·n times the part's length for the sums. Where parts share a further scale, as in super-blocks, that one
 * moves first.
 */
final class GridRefit {
    private final BlockFormat format;
    private final MemorySegment h;
    private final double lambda;
    private final RowTile tile;
    private final MemorySegment gradient;
    private final MemorySegment work;
    private final MemorySegment moves;

    /**
     * @param gradient (w − q)·H, row after row; kept up
     * @param work room for four times a block
     * @param moves room for the tile's rows of a block
     */
    GridRefit(
            BlockFormat format,
            Hessian hessian,
            double lambda,
            RowTile tile,
            MemorySegment gradient,
            MemorySegment work,
            MemorySegment moves) {
        this.format = format;
        this.h = hessian.values().data();
        this.lambda = lambda;
        this.tile = tile;
        this.gradient = gradient;
        this.work = work;
        this.moves = moves;
    }

    /**
     * Refits the grids of some rows, block after block.
     *
     * @return the rows of which any changed
     */
    BitSet round(BitSet rows) {
        BitSet changed = new BitSet();
        for (int block = 0; block * tile.blockLength < tile.columns; block++) {
            int length = tile.length(block);
            BitSet moved = new BitSet();
            for (int r = rows.nextSetBit(0); r >= 0; r = rows.nextSetBit(r + 1)) {
                if (block(r, block, (long) r * length)) {
                    moved.set(r);
                }
            }
            spread(moved, block * tile.blockLength, length);
            changed.or(moved);
        }
        return changed;
    }

    /** Refits the grid of a block and keeps up the gradient inside; the moves of its values go to {@link #moves}. */
    private boolean block(int row, int block, long movesAt) {
        int length = tile.length(block);
        int first = block * tile.blockLength;
        Grid before = tile.grids[row][block];
        for (int i = 0; i < length; i++) {
            moves.setAtIndex(JAVA_FLOAT, movesAt + i, tile.values[row][first + i]);
        }
        int step = Math.min(length, before.partLength());
        if (step < length) {
            take(row, block, 0, length, format.refitShared(before, shared(row, block, length)));
        }
        for (int from = 0; from < length; from += step) {
            Grid grid = tile.grids[row][block];
            int count = Math.min(step, length - from);
            take(row, block, from, count, format.refit(grid, from / step, part(row, block, from, count)));
        }
        for (int i = 0; i < length; i++) {
            float move = tile.values[row][first + i] - moves.getAtIndex(JAVA_FLOAT, movesAt + i);
            moves.setAtIndex(JAVA_FLOAT, movesAt + i, move);
        }
        return tile.grids[row][block] != before;
    }

    /** Takes the moves of a block's values, those of row r in row r of {@link #moves}, to the gradient outside the block. */
    private void spread(BitSet moved, int first, int length) {
        int last = first + length;
        for (int r = moved.nextSetBit(0); r >= 0; ) {
            int end = moved.nextClearBit(r);
            View steps = View.of(moves, length, r, 0);
            spread(end - r, length, steps, r, first, 0, first);
            spread(end - r, length, steps, r, first, last, tile.columns);
            r = moved.nextSetBit(end);
        }
    }

    private void spread(int rows, int length, View steps, int row, int first, int from, int to) {
        int n = tile.columns;
        TileProduct.subtract(
                rows, to - from, length, steps, View.of(h, n, first, from), View.of(gradient, n, row, from));
    }

    /** Levels and ones: value = scale × level + offset. */
    private ScaleError part(int row, int block, int from, int count) {
        int first = block * tile.blockLength + from;
        for (int i = 0; i < count; i++) {
            float level = tile.grids[row][block].level(tile.codes[row][first + i]);
            work.setAtIndex(JAVA_FLOAT, i, level);
            work.setAtIndex(JAVA_FLOAT, count + i, 1);
        }
        return error(row, first, count);
    }

    /** What scales and what offsets make of the values, for all parts of a block together. */
    private ScaleError shared(int row, int block, int length) {
        int first = block * tile.blockLength;
        Grid grid = tile.grids[row][block];
        for (int i = 0; i < length; i++) {
            float offset = grid.offset(i);
            work.setAtIndex(JAVA_FLOAT, i, tile.values[row][first + i] - offset);
            work.setAtIndex(JAVA_FLOAT, length + i, offset);
        }
        return error(row, first, length);
    }

    /** For the two directions at the beginning of {@link #work}. */
    private ScaleError error(int row, int first, int count) {
        int n = tile.columns;
        long products = 2L * count;
        work.asSlice(4 * products, 4 * products).fill((byte) 0);
        // −u·H and −1·H within the part.
        TileProduct.subtract(
                2,
                count,
                count,
                new View(work, 0, count, 1),
                View.of(h, n, first, first),
                new View(work, products, count, 1));
        double scaleSlope = 0;
        double offsetSlope = 0;
        double scaleCurve = 0;
        double mixedCurve = 0;
        double offsetCurve = 0;
        for (int i = 0; i < count; i++) {
            int c = first + i;
            double u = work.getAtIndex(JAVA_FLOAT, i);
            double v = work.getAtIndex(JAVA_FLOAT, count + i);
            double uh = lambda * u - work.getAtIndex(JAVA_FLOAT, products + i);
            double vh = lambda * v - work.getAtIndex(JAVA_FLOAT, products + count + i);
            double slope = gradient.getAtIndex(JAVA_FLOAT, (long) row * n + c)
                    + lambda * (tile.weights[row][c] - tile.values[row][c]);
            scaleSlope += slope * u;
            offsetSlope += slope * v;
            scaleCurve += uh * u;
            mixedCurve += uh * v;
            offsetCurve += vh * v;
        }
        return new ScaleError(scaleSlope, offsetSlope, scaleCurve, mixedCurve, offsetCurve);
    }

    /** Makes a grid that of the block and takes values along, and the gradient inside the block. */
    private void take(int row, int block, int from, int count, Grid grid) {
        if (grid == tile.grids[row][block]) {
            return;
        }
        tile.grids[row][block] = grid;
        int n = tile.columns;
        int first = block * tile.blockLength + from;
        for (int i = 0; i < count; i++) {
            float value = grid.value(from + i, tile.codes[row][first + i]);
            work.setAtIndex(JAVA_FLOAT, i, value - tile.values[row][first + i]);
            tile.values[row][first + i] = value;
        }
        int start = block * tile.blockLength;
        TileProduct.subtract(
                1,
                tile.length(block),
                count,
                new View(work, 0, count, 1),
                View.of(h, n, first, start),
                View.of(gradient, n, row, start));
    }
}
