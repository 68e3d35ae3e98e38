package org.bitscarp.quant.gptq;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Workers;

/**
 * GPTQ (Frantar et al. 2022) on any block format: weights are rounded column after column, and the error of each is made up
 * for by the columns that are still to come, as the inverse Hessian says. Rows do not depend on each other.
 */
public final class GptqSolver implements Solver {
    /** Rows at a time. All of them share each read of the factor, and their weights stay in the second-level cache. */
    private static final int TILE = ColumnStep.ROWS;

    /** Memory of the calling thread for a tile; freed with the thread. */
    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private final String name;
    private final GptqOptions options;

    public GptqSolver(String name, GptqOptions options) {
        this.name = name;
        this.options = options;
    }

    @Override
    public String name() {
        return name;
    }

    public GptqOptions options() {
        return options;
    }

    @Override
    public boolean calibrated() {
        return true;
    }

    @Override
    public boolean needsHessian() {
        return true;
    }

    @Override
    public boolean sequential() {
        return options.sequential();
    }

    @Override
    public boolean asymmetric() {
        return options.asymmetry() > 0;
    }

    @Override
    public void prepareInputs(InputStatistics inputs, Workers workers) {
        inOrder(inputs.hessian()).factor(options.damping(), workers);
        if (asymmetric() && inputs.cross() != null) {
            inputs.hessian().factor(options.damping(), workers);
        }
    }

    /** Second moments of the channels in the order of the loop. */
    private Hessian inOrder(Hessian hessian) {
        return options.activationOrder() ? hessian.byFallingDiagonal().hessian() : hessian;
    }

    /** @throws IllegalArgumentException without a Hessian: there is no error feedback without calibration */
    @Override
    public RowSolver prepare(DenseMatrix weights, InputStatistics inputs, PackedMatrix target) {
        if (inputs == null || inputs.hessian() == null) {
            throw new IllegalArgumentException("solver " + name + " needs calibration text");
        }
        target.checkShape(weights);
        inputs.check(weights.columns());
        return new Prepared(weights, inputs, target);
    }

    private final class Prepared implements RowSolver {
        private final DenseMatrix weights;
        private final InputStatistics inputs;
        private final PackedMatrix target;
        private final BlockFormat format;
        private final Grid shared;
        private final InverseFactor factor;
        private final ColumnPlan plan;
        /** What weights are moved by first, negated; null for not at all. */
        private final DenseMatrix correction;

        Prepared(DenseMatrix weights, InputStatistics inputs, PackedMatrix target) {
            this.weights = weights;
            this.inputs = inputs;
            this.target = target;
            format = target.format();
            factor = inOrder(inputs.hessian()).factor(options.damping());
            plan = options.activationOrder()
                    ? ColumnPlan.in(inputs.hessian().byFallingDiagonal().order())
                    : ColumnPlan.leftToRight(weights.columns(), format.blockLength(weights.columns()));
            correction = asymmetric() && inputs.cross() != null
                    ? inputs.cross().negatedCorrection(inputs.hessian().factor(options.damping()), options.asymmetry())
                    : null;
            shared = format.sharedGrid() ? fitShared() : null;
        }

        @Override
        public void solve(int from, int to, SolveStats stats) {
            if (from == 0 && to > 0) {
                stats.fallbacks += factor.raised() + factor.dead();
            }
            int columns = weights.columns();
            ColumnLoop loop = new ColumnLoop(this::fit, factor, plan, shared != null || options.activationOrder());
            CoordinateDescent descent = new CoordinateDescent(
                    inputs.hessian(), factor.lambda(), options.refinements(), format.refits() ? options.refits() : 0);
            long bytes = ColumnLoop.bytes(columns);
            MemorySegment scratch = SCRATCH.get().bytes(2 * bytes + 4L * 4 * format.blockLength(columns));
            MemorySegment work = scratch.asSlice(0, bytes);
            MemorySegment errors = scratch.asSlice(bytes, bytes);
            MemorySegment sums = scratch.asSlice(2 * bytes);
            for (int row = from; row < to; row += TILE) {
                RowTile tile = tile(row, Math.min(TILE, to - row), shared, work, errors);
                if (options.activationOrder() && shared == null) {
                    fitAll(tile);
                }
                loop.run(tile, work, errors);
                if (options.refinements() > 0) {
                    descent.run(format, tile, errors, work, sums);
                }
                tile.pack(target, stats);
            }
        }

        /**
         * Rows as they are to be solved.
         *
         * @param work room for rows × columns floats
         * @param moved the same
         */
        private RowTile tile(int first, int rows, Grid grid, MemorySegment work, MemorySegment moved) {
            RowTile tile = new RowTile(weights, first, rows, format, grid);
            if (correction != null) {
                tile.aim(correction, work, moved);
            }
            return tile;
        }

        private Grid fitShared() {
            try (Arena arena = Arena.ofConfined()) {
                DenseMatrix aimed = correction == null ? weights : aimed(arena);
                return options.search() ? format.searchShared(aimed, inputs.meanSquares()) : format.fitShared(aimed);
            }
        }

        private DenseMatrix aimed(Arena arena) {
            int columns = weights.columns();
            DenseMatrix all = new DenseMatrix(arena.allocate(4 * weights.size(), 64), weights.rows(), columns);
            MemorySegment work = arena.allocate(4L * TILE * columns, 64);
            for (int row = 0; row < weights.rows(); row += TILE) {
                int rows = Math.min(TILE, weights.rows() - row);
                tile(row, rows, null, work, all.slice(row, rows).data());
            }
            return all;
        }

        private void fitAll(RowTile tile) {
            for (int r = 0; r < tile.rows; r++) {
                for (int b = 0; b < tile.grids[r].length; b++) {
                    int column = b * tile.blockLength;
                    tile.grids[r][b] = fit(tile.weights[r], column, tile.length(b), column);
                }
            }
        }

        private Grid fit(float[] w, int from, int length, int column) {
            return options.search()
                    ? format.search(w, from, length, inputs.meanSquares(), column)
                    : format.fit(w, from, length);
        }
    }
}
