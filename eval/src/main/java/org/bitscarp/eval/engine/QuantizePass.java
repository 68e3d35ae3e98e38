package org.bitscarp.eval.engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.transform.BasisChange;

/**
 * A model quantized at one level without being measured: the bytes that a {@link Sweep} scores at that level. With
 * calibration text or a transform it is the sweep's own pass over the layers, with no windows to score; without, one matrix after the
 * other, of which one at a time is in memory, and the bytes of the one before.
 */
public final class QuantizePass {
    /** Weights that are in memory at a time, of tables and of linear maps that are not larger. */
    private static final long PIECE = 1 << 24;

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
    private TableInputs tables = TableInputs.NONE;

    /**
     * @param recipe what is made of the model; other tables than its own are given with {@link #table}
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

    /** Matrix after matrix; small ones several at a time, so that no lane waits long for the last piece of one. */
    private void oneByOne(PackedSink sink, Lanes lanes) throws IOException {
        double total = checkpoint.weights().stream().mapToDouble(Weight::size).sum();
        double done = 0;
        try (QuantizeQueue queue = new QuantizeQueue(backend, lanes, stats)) {
            List<QuantizeQueue.Entry> group = new ArrayList<>();
            double waiting = 0;
            for (int layer = 0; layer < spec.layers(); layer++) {
                for (TensorRole role : TensorRole.values()) {
                    Weight weight =
                            role.linear() ? checkpoint.weight(role, layer).orElse(null) : null;
                    int matrices = role.perExpert() ? spec.mlp().experts() : 1;
                    for (int expert = 0; weight != null && expert < matrices; expert++) {
                        Linear map = new Linear(layer, role, weight, expert, weight.rows() / matrices);
                        if (waiting + map.size() > PIECE && !group.isEmpty()) {
                            queue.add(level.solver(), group);
                            done += waiting;
                            waiting = 0;
                            group.clear();
                        }
                        progress.report("layer " + (layer + 1) + ", " + weight.name(), done, total);
                        group.add(entry(map, sink));
                        waiting += map.size();
                    }
                }
            }
            queue.add(level.solver(), group);
            queue.finish();
        }
    }

    /** A linear map, or that of one expert. */
    private record Linear(int layer, TensorRole role, Weight weight, int expert, long rows) {
        double size() {
            return (double) rows * weight.columns();
        }

        HostRows.Range range() {
            return new HostRows.Range(weight, expert * rows, rows);
        }
    }

    private QuantizeQueue.Entry entry(Linear map, PackedSink sink) {
        InputStatistics inputs = null;
        if (level.solver().calibrated()) {
            Importance importance = given.of(map.layer);
            inputs = importance.inputs(map.role, map.expert);
            if (importance.unsampled(map.role, map.expert)) {
                stats.unsampled++;
                stats.fallbacks++;
            }
        }
        InputStatistics known = inputs;
        BlockFormat format = recipe.maps().format(map.role, map.layer);
        return new QuantizeQueue.Entry(
                map.range(),
                weights -> new MatrixQuantizer.Job(weights, format, known, null),
                packed -> sink.packed(new PackedSink.Packed(
                        0, map.layer, map.role, map.expert, packed, BasisChange.NONE, null, known)));
    }

    private void byLayer(WindowPlan windows, PackedSink sink, Lanes lanes) throws IOException {
        LevelTally tally = new LevelTally(recipe, null, 0, spec.layers());
        CalibratedPass pass = new CalibratedPass(checkpoint, resources, windows).importances(given, seen);
        if (recipe.solvesTables()) {
            pass.withTables();
        }
        tables = pass.run(List.of(tally), sink, lanes);
        stats.add(tally.stats);
    }

    /**
     * Quantizes embedding or output projection, piece by piece. Where the level's solver chooses its codes, {@link
     * #linearMaps} comes first, whose calibration tells what it reads.
     *
     * @param role {@link TensorRole#HEAD} for an output projection with a table of its own
     * @param format of a table that is not one of those two, e.g. learned positions
     */
    public void table(Weight table, TensorRole role, BlockFormat format, Rows sink) throws IOException {
        TableInputs.Table stored = switch (role) {
            case EMBEDDING -> tables.embedding(recipe);
            case HEAD -> tables.projection(recipe);
            default -> new TableInputs.Table(format, Solvers.RTN, null);
        };
        try (Lanes lanes = resources.newLanes();
                QuantizeQueue queue = new QuantizeQueue(backend, lanes, stats)) {
            long step = Math.max(1, PIECE / table.columns());
            for (long row = 0; row < table.rows(); row += step) {
                progress.report(table.name(), row, table.rows());
                long first = row;
                QuantizeQueue.Entry piece = new QuantizeQueue.Entry(
                        new HostRows.Range(table, row, Math.min(step, table.rows() - row)),
                        weights -> stored.job(weights, null),
                        packed -> sink.packed(first, packed));
                queue.add(stored.solver(), List.of(piece));
            }
            queue.finish();
        }
    }
}
