package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.gptq.TileProduct.View;

/**
 * Moves one code after another to where the layer's output error (w − q)(H + λI)(w − q)ᵀ is least while all other codes
 * stay, until nothing moves (cyclic coordinate descent; the same step as in QuantEase, arXiv 2309.01885, section 3). The
 * error never grows. Rows do not depend on each other, but go together, {@link #CHUNK} columns at a time, so that these rows
 * of H are read once for all of them. Floor: 2·n² operations a row for the gradient, and 2·n for every code that moves.
 */
final class CoordinateDescent {
    /** Columns whose moves go to the gradient of all others together. */
    private static final int CHUNK = 128;

    private final Hessian hessian;
    private final double lambda;
    private final int passes;
    private final int refits;
    /** Diagonal of H + λI; 0 for channels without any activation. */
    private final double[] diagonal;

    /** Codes of one row that moved in a chunk: by how much, and where. */
    private final float[] steps = new float[CHUNK];

    private final int[] moved = new int[CHUNK];

    /**
     * @param passes over the codes at most, until nothing moves
     * @param refits rounds of fitting the grids to the codes, each followed by further passes
     */
    CoordinateDescent(Hessian hessian, double lambda, int passes, int refits) {
        this.hessian = hessian;
        this.lambda = lambda;
        this.passes = passes;
        this.refits = refits;
        diagonal = new double[hessian.size()];
        for (int c = 0; c < diagonal.length; c++) {
            double damped = hessian.diagonal(c) + lambda;
            diagonal[c] = damped > lambda ? damped : 0;
        }
    }

    /**
     * Refines the codes of a tile, and its grids.
     *
     * @param format of the grids
     * @param errors room for rows × columns floats
     * @param gradient the same
     * @param sums room for four times a block
     */
    void run(BlockFormat format, RowTile tile, MemorySegment errors, MemorySegment gradient, MemorySegment sums) {
        int n = tile.columns;
        MemorySegment h = hessian.values().data();
        tile.errors(errors);
        gradient.asSlice(0, 4L * tile.rows * n).fill((byte) 0);
        // Now (w − q)·H, row after row; kept up with every move.
        TileProduct.subtract(
                tile.rows, n, n, View.of(errors, n, 0, 0), View.of(h, n, 0, 0), View.of(gradient, n, 0, 0));
        BitSet rows = new BitSet();
        rows.set(0, tile.rows);
        codes(tile, rows, gradient);
        GridRefit refit = new GridRefit(format, hessian, lambda, tile, gradient, sums, errors);
        for (int round = 0; round < refits && !rows.isEmpty(); round++) {
            rows = refit.round(rows);
            codes(tile, rows, gradient);
        }
    }

    /** Passes over the codes of some rows, of each until nothing moves. */
    private void codes(RowTile tile, BitSet rows, MemorySegment gradient) {
        BitSet moving = rows;
        for (int pass = 0; pass < passes && !moving.isEmpty(); pass++) {
            BitSet next = new BitSet();
            for (int first = 0; first < tile.columns; first += CHUNK) {
                int last = Math.min(tile.columns, first + CHUNK);
                for (int r = moving.nextSetBit(0); r >= 0; r = moving.nextSetBit(r + 1)) {
                    if (chunk(tile, r, first, last, gradient)) {
                        next.set(r);
                    }
                }
            }
            moving = next;
        }
    }

    /** One pass over columns {@code [first, last)} of a row; whether any code moved. */
    private boolean chunk(RowTile tile, int row, int first, int last, MemorySegment gradient) {
        int n = tile.columns;
        MemorySegment h = hessian.values().data();
        long at = (long) row * n;
        float[] w = tile.weights[row];
        float[] q = tile.values[row];
        int[] codes = tile.codes[row];
        int count = 0;
        for (int c = first; c < last; c++) {
            if (diagonal[c] == 0) {
                continue;
            }
            double slope = gradient.getAtIndex(JAVA_FLOAT, at + c) + lambda * (w[c] - q[c]);
            float wanted = (float) (q[c] + slope / diagonal[c]);
            int block = c / tile.blockLength;
            Grid grid = tile.grids[row][block];
            int position = c - block * tile.blockLength;
            int code = grid.nearest(position, wanted);
            if (code == codes[c]) {
                continue;
            }
            float value = grid.value(position, code);
            if (Math.abs(wanted - value) < Math.abs(wanted - q[c])) {
                steps[count] = value - q[c];
                TileProduct.subtract(last - first, steps[count], h, (long) c * n + first, gradient, at + first);
                moved[count++] = c;
                q[c] = value;
                codes[c] = code;
            }
        }
        if (count > 0) {
            TileProduct.subtractRows(first, count, steps, moved, View.of(h, n, 0, 0), View.of(gradient, n, row, 0));
            TileProduct.subtractRows(
                    n - last, count, steps, moved, View.of(h, n, 0, last), View.of(gradient, n, row, last));
        }
        return count > 0;
    }
}
