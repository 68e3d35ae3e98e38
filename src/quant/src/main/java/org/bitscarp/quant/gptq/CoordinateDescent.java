package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;

/**
 * Moves one code after another to where the layer's output error (w − q)(H + λI)(w − q)ᵀ is least while all other codes
 * stay, until nothing moves (cyclic coordinate descent; the same step as in QuantEase, arXiv 2309.01885, section 3). The
 * error never grows. Floor: 2·n² operations a row for the gradient, and n for every code that moves.
 */
final class CoordinateDescent {
    private final Hessian hessian;
    private final double lambda;
    private final int passes;
    private final int refits;

    /**
     * @param passes over the codes at most, until nothing moves
     * @param refits rounds of fitting the grids to the codes, each followed by further passes
     */
    CoordinateDescent(Hessian hessian, double lambda, int passes, int refits) {
        this.hessian = hessian;
        this.lambda = lambda;
        this.passes = passes;
        this.refits = refits;
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
                tile.rows,
                n,
                n,
                TileProduct.View.of(errors, n, 0, 0),
                TileProduct.View.of(h, n, 0, 0),
                TileProduct.View.of(gradient, n, 0, 0));
        GridRefit refit = new GridRefit(format, hessian, lambda, tile, gradient, sums);
        for (int r = 0; r < tile.rows; r++) {
            codes(tile, r, h, gradient);
            for (int round = 0; round < refits && refit.row(r); round++) {
                codes(tile, r, h, gradient);
            }
        }
    }

    private void codes(RowTile tile, int row, MemorySegment h, MemorySegment gradient) {
        int pass = 0;
        while (pass < passes && pass(tile, row, h, gradient)) {
            pass++;
        }
    }

    private boolean pass(RowTile tile, int row, MemorySegment h, MemorySegment gradient) {
        int n = tile.columns;
        float[] w = tile.weights[row];
        float[] q = tile.values[row];
        boolean moved = false;
        for (int c = 0; c < n; c++) {
            double diagonal = hessian.diagonal(c) + lambda;
            if (!(diagonal > lambda)) {
                continue;
            }
            double slope = gradient.getAtIndex(JAVA_FLOAT, (long) row * n + c) + lambda * (w[c] - q[c]);
            float wanted = (float) (q[c] + slope / diagonal);
            Grid grid = tile.grids[row][c / tile.blockLength];
            int position = c % tile.blockLength;
            int code = grid.nearest(position, wanted);
            if (code == tile.codes[row][c]) {
                continue;
            }
            float value = grid.value(position, code);
            if (Math.abs(wanted - value) < Math.abs(wanted - q[c])) {
                TileProduct.subtract(n, value - q[c], h, (long) c * n, gradient, (long) row * n);
                q[c] = value;
                tile.codes[row][c] = code;
                moved = true;
            }
        }
        return moved;
    }
}
