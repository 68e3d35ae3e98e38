package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.gptq.Hessian;

/**
 * What solvers know of the inputs of embedding and output projection. The projection is a linear map of the last hidden
 * states, normed, whose second moments H come from the full-precision model on calibration windows. An embedding looks up
 * single rows, so that errors of its rows count alike in all directions, and there is nothing to feed back. A table that is
 * both gets the sum of the two, each with the same power: H + m·I, where m is the mean of H's diagonal. With H alone its
 * rows move further as embeddings than rounding moves them, and divergence measured higher (bench/RESULTS.md).
 */
final class TableInputs {
    /** Without calibration: tables are rounded to nearest. */
    static final TableInputs NONE = new TableInputs(null, null, null);

    private final DecoderSpec spec;
    private final InputStatistics projection;
    private final InputStatistics both;

    private TableInputs(DecoderSpec spec, InputStatistics projection, InputStatistics both) {
        this.spec = spec;
        this.projection = projection;
        this.both = both;
    }

    /**
     * A table as a level stores it. Equal ones hold equal bytes.
     *
     * @param format null for one that stays as it is
     * @param inputs what the solver goes by, or null
     */
    record Table(BlockFormat format, Solver solver, InputStatistics inputs) {
        MatrixQuantizer.Job job(DenseMatrix rows, Tensor target) {
            return new MatrixQuantizer.Job(rows, format, inputs, target);
        }
    }

    /**
     * Measures the inputs, one pass of the calibration windows through the model; nothing where no recipe makes use of them.
     *
     * @param calibration windows, or null
     */
    static TableInputs measure(Checkpoint checkpoint, Resources resources, WindowPlan calibration, List<Recipe> recipes)
            throws IOException {
        if (calibration == null || recipes.stream().noneMatch(Recipe::solvesTables)) {
            return NONE;
        }
        try (Lanes lanes = resources.newLanes()) {
            return new CalibratedPass(checkpoint, resources, calibration)
                    .withTables()
                    .run(List.of(), PackedSink.NONE, lanes);
        }
    }

    /**
     * Takes over statistics, whose second moments may be gone afterwards.
     *
     * @param projection of the last hidden states, normed
     */
    static TableInputs of(DecoderSpec spec, InputStatistics projection) {
        DenseMatrix moments = projection.hessian().values();
        int n = moments.columns();
        double mean = 0;
        for (int i = 0; i < n; i++) {
            mean += moments.data().getAtIndex(JAVA_FLOAT, (long) i * (n + 1)) / n;
        }
        return new TableInputs(spec, raised(moments, 0), spec.tiedHead() ? raised(moments, (float) mean) : null);
    }

    /** Statistics of moments with something added to the diagonal. */
    private static InputStatistics raised(DenseMatrix moments, float more) {
        int n = moments.columns();
        // Lives as long as anybody solves a table, which may be behind the pass that summed it.
        Arena memory = Arena.ofAuto();
        MemorySegment copy = memory.allocate(4L * n * n, 64);
        MemorySegment.copy(moments.data(), 0, copy, 0, 4L * n * n);
        for (int i = 0; i < n; i++) {
            long at = (long) i * (n + 1);
            copy.setAtIndex(JAVA_FLOAT, at, copy.getAtIndex(JAVA_FLOAT, at) + more);
        }
        Hessian hessian = new Hessian(new DenseMatrix(copy, n, n), memory);
        return new InputStatistics(hessian.meanSquares(), hessian);
    }

    /** The output projection of a recipe, a copy of the embedding included. */
    Table projection(Recipe recipe) {
        return table(recipe, recipe.head(), shared(recipe) ? both : projection);
    }

    /** The embedding of a recipe. */
    Table embedding(Recipe recipe) {
        return table(recipe, recipe.embedding(), shared(recipe) ? both : null);
    }

    private boolean shared(Recipe recipe) {
        return both != null && recipe.oneTable(spec);
    }

    private Table table(Recipe recipe, BlockFormat format, InputStatistics inputs) {
        boolean solved = inputs != null
                && recipe.solvesTables()
                && format != null
                && recipe.tables().supports(format);
        return solved ? new Table(format, recipe.tables(), inputs) : new Table(format, Solvers.RTN, null);
    }
}
