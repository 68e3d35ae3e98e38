package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;

/**
 * A model quantized at one level without being measured: the bytes that a {@link Sweep} scores at that level. With
 * calibration text or a transform it is the sweep's own pass over the layers, with no windows to score; without, one matrix after the
 * other, of which one at a time is in memory.
 */
public final class QuantizePass {
    /** Weights of embedding or output projection that are in memory at a time. */
    private static final long TABLE_PIECE = 1 << 24;

    private final Checkpoint checkpoint;
    private final DecoderSpec spec;
    private final Resources resources;
    private final Backend backend;
    private final Recipe recipe;
    private final Level level;
    private final WindowPlan calibration;
    private final Progress progress;
    private final SolveStats stats = new SolveStats();
    private GivenImportance given = GivenImportance.NONE;
    private SeenImportance seen;
    private double done;
    private double total;

    /**
     * @param recipe of the linear maps; formats of tables are given with {@link #table}
     * @param calibration windows that importances are gathered on, or null for none
     */
    public QuantizePass(Checkpoint checkpoint, Resources resources, Recipe recipe, WindowPlan calibration) {
        this.checkpoint = checkpoint;
        this.spec = checkpoint.spec();
        this.resources = resources;
        this.backend = resources.backend();
        this.recipe = recipe;
        level = recipe.level();
        this.calibration = calibration;
        this.progress = resources.progress();
    }

    /**
     * Importances from and for files.
     *
     * @param file that the level goes by where it suffices
     * @param listener that takes what calibration finds, which there then has to be text for; null for nobody
     */
    public QuantizePass importances(GivenImportance file, SeenImportance listener) {
        given = file;
        seen = listener;
        return this;
    }

    /** Takes consecutive rows of a table, packed; the bytes live during the call only. */
    @FunctionalInterface
    public interface Rows {
        void packed(long firstRow, PackedMatrix rows) throws IOException;
    }

    /** What happened so far. */
    public SolveStats stats() {
        return stats;
    }

    /**
     * Quantizes the linear maps of all layers. Those of a transform are handed out in its basis, and the rest of the file
     * is a {@link FoldedCheckpoint}.
     *
     * @throws IllegalArgumentException where the level needs calibration and there is none, or the architecture does not
     *     allow its transform
     */
    public void linearMaps(PackedSink sink) throws IOException {
        SweepChecks.transforms(checkpoint, List.of(recipe));
        given.check(List.of(recipe), calibration);
        SweepChecks.calibration(List.of(recipe), calibration);
        try (Lanes lanes = resources.newLanes()) {
            WindowPlan windows = seen != null || given.leaves(level) ? calibration : null;
            // A transform acts on all maps of a layer together.
            if (windows != null || !level.transform().identity()) {
                byLayer(windows, sink, lanes);
            } else {
                oneByOne(sink, lanes);
            }
        }
    }

    private void oneByOne(PackedSink sink, Lanes lanes) throws IOException {
        MatrixQuantizer quantizer = new MatrixQuantizer(backend, lanes);
        done = 0;
        total = checkpoint.weights().stream().mapToDouble(Weight::size).sum();
        for (int layer = 0; layer < spec.layers(); layer++) {
            for (TensorRole role : TensorRole.values()) {
                Weight weight = role.linear() ? checkpoint.weight(role, layer).orElse(null) : null;
                int matrices = role.perExpert() ? spec.mlp().experts() : 1;
                for (int expert = 0; weight != null && expert < matrices; expert++) {
                    progress.report("layer " + (layer + 1) + ", " + weight.name(), done, total);
                    matrix(quantizer, sink, layer, role, weight, expert, weight.rows() / matrices);
                    done += (double) weight.size() / matrices;
                }
            }
        }
    }

    private void matrix(
            MatrixQuantizer quantizer,
            PackedSink sink,
            int layer,
            TensorRole role,
            Weight weight,
            int expert,
            long rows)
            throws IOException {
        try (Arena arena = Arena.ofShared()) {
            DenseMatrix matrix = read(weight, expert * rows, rows, arena);
            Importance importance = given.of(layer);
            MatrixQuantizer.Job job = new MatrixQuantizer.Job(
                    matrix,
                    recipe.maps().format(role, layer),
                    level.solver().calibrated() ? importance.inputs(role, expert) : null,
                    null);
            if (level.solver().calibrated() && importance.unsampled(role, expert)) {
                stats.unsampled++;
                stats.fallbacks++;
            }
            stats.add(quantizer
                    .run(
                            level.solver(),
                            List.of(job),
                            (j, packed) -> sink.packed(job.packed(0, layer, role, expert, packed)))
                    .getFirst()
                    .stats());
        }
    }

    private static DenseMatrix read(Weight weight, long firstRow, long rows, Arena arena) throws IOException {
        int columns = Math.toIntExact(weight.columns());
        DenseMatrix matrix = new DenseMatrix(arena.allocate(4 * rows * columns, 64), Math.toIntExact(rows), columns);
        weight.read(firstRow, rows, matrix.data(), 0);
        return matrix;
    }

    private void byLayer(WindowPlan windows, PackedSink sink, Lanes lanes) throws IOException {
        LevelTally tally = new LevelTally(recipe, null, 0, spec.layers());
        new CalibratedPass(checkpoint, resources, windows)
                .importances(given, seen)
                .run(List.of(tally), sink, lanes);
        stats.add(tally.stats);
    }

    /** Rounds embedding or output projection to a format, piece by piece. */
    public void table(Weight table, BlockFormat format, Rows sink) throws IOException {
        try (Lanes lanes = resources.newLanes()) {
            MatrixQuantizer quantizer = new MatrixQuantizer(backend, lanes);
            long step = Math.max(1, TABLE_PIECE / table.columns());
            for (long row = 0; row < table.rows(); row += step) {
                progress.report(table.name(), row, table.rows());
                long first = row;
                try (Arena arena = Arena.ofShared()) {
                    DenseMatrix piece = read(table, row, Math.min(step, table.rows() - row), arena);
                    MatrixQuantizer.Job job = new MatrixQuantizer.Job(piece, format, null, null);
                    stats.add(quantizer
                            .run(Solvers.RTN, List.of(job), (j, packed) -> sink.packed(first, packed))
                            .getFirst()
                            .stats());
                }
            }
        }
    }
}
