package org.bitscarp.quant.transform;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Nonfinite;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.SquaredError;
import org.bitscarp.quant.gptq.Hessian;

/**
 * Rounding to nearest as AWQ has it (arXiv 2306.00978; {@code auto_clip} of the authors' code): a block's grid is the format's
 * published one of the block's weights cut at a share of their largest, the share whose output error on calibration inputs is
 * least while the rest of the row stays, Δ·H·Δᵀ over the block's channels. Codes are the nearest to the weights as they are,
 * where the authors round the cut ones, which differs where a grid reaches beyond the cut. Floor: {@link #STEPS} times the encoding and
 * 2·b operations a weight for blocks of b.
 */
public final class ClipSearch implements Solver {
    /** Shares 1, 0.95, … 0.55, as in the authors' code (a grid of 20, at most half is cut). */
    private static final int STEPS = 10;

    private static final double STEP = 1.0 / 20;
    /** Rows whose errors are computed together. */
    private static final int TILE = 64;

    @Override
    public String name() {
        return Solvers.RTN.name();
    }

    @Override
    public boolean calibrated() {
        return true;
    }

    /** Without second moments, or where one grid serves the whole tensor, it is plain rounding to nearest. */
    @Override
    public RowSolver prepare(DenseMatrix weights, InputStatistics inputs, PackedMatrix target) {
        if (inputs == null || inputs.hessian() == null || target.format().sharedGrid()) {
            return Solvers.RTN.prepare(weights, inputs, target);
        }
        target.checkShape(weights);
        inputs.check(weights.columns());
        return (from, to, stats) -> {
            for (int row = from; row < to; row += TILE) {
                new Tile(weights, inputs.hessian(), target, row, Math.min(TILE, to - row)).solve(stats);
            }
        };
    }

    private static final class Tile {
        private final Hessian hessian;
        private final PackedMatrix target;
        private final BlockFormat format;
        private final int first;
        private final int rows;
        private final int blockLength;
        /** By row; NaN and infinities are 0. */
        private final float[][] weights;

        private final float[][] values;
        private final float[] clipped;

        Tile(DenseMatrix source, Hessian hessian, PackedMatrix target, int first, int rows) {
            this.hessian = hessian;
            this.target = target;
            this.first = first;
            this.rows = rows;
            format = target.format();
            blockLength = format.blockLength(source.columns());
            weights = new float[rows][source.columns()];
            values = new float[rows][source.columns()];
            clipped = new float[blockLength];
            for (int r = 0; r < rows; r++) {
                source.row(first + r, weights[r]);
            }
        }

        void solve(SolveStats stats) {
            for (float[] row : weights) {
                int nonfinite = Nonfinite.count(row);
                if (nonfinite > 0) {
                    Nonfinite.clear(row, row);
                }
                stats.nonfinite += nonfinite;
            }
            int columns = target.columns();
            long offset = first * format.rowBytes(columns);
            for (int at = 0; at < columns; at += blockLength) {
                int length = Math.min(blockLength, columns - at);
                block(at, length, offset, stats);
                offset += format.blockBytes(length);
            }
            for (int r = 0; r < rows; r++) {
                stats.weights += columns;
                SquaredError.add(weights[r], values[r], stats);
            }
        }

        /** @param offset of the first row's block */
        private void block(int at, int length, long offset, SolveStats stats) {
            Grid[] best = new Grid[rows];
            double[] least = new double[rows];
            Grid[] tried = new Grid[rows];
            int[] codes = new int[blockLength];
            try (Arena arena = Arena.ofConfined()) {
                DenseMatrix difference = new DenseMatrix(arena.allocate(4L * rows * length, 64), rows, length);
                for (int step = 0; step < STEPS; step++) {
                    for (int r = 0; r < rows; r++) {
                        tried[r] = fit(weights[r], at, length, 1 - step * STEP);
                        tried[r].nearest(weights[r], at, length, codes);
                        tried[r].values(codes, length, values[r], at);
                        for (int i = 0; i < length; i++) {
                            float error = values[r][at + i] - weights[r][at + i];
                            difference.data().setAtIndex(JAVA_FLOAT, (long) r * length + i, error);
                        }
                    }
                    double[] errors = hessian.outputErrors(difference, at);
                    for (int r = 0; r < rows; r++) {
                        if (step == 0 || errors[r] < least[r]) {
                            least[r] = errors[r];
                            best[r] = tried[r];
                        }
                    }
                }
            }
            MemorySegment bytes = target.bytes();
            for (int r = 0; r < rows; r++) {
                best[r].nearest(weights[r], at, length, codes);
                best[r].values(codes, length, values[r], at);
                format.encode(best[r], codes, length, bytes, offset + r * format.rowBytes(target.columns()));
                stats.fallbacks += best[r].fallbacks();
            }
        }

        private Grid fit(float[] w, int at, int length, double share) {
            float largest = 0;
            for (int i = 0; i < length; i++) {
                largest = Math.max(largest, Math.abs(w[at + i]));
            }
            float limit = (float) (share * largest);
            for (int i = 0; i < length; i++) {
                clipped[i] = Math.clamp(w[at + i], -limit, limit);
            }
            return format.fit(clipped, 0, length);
        }
    }
}
