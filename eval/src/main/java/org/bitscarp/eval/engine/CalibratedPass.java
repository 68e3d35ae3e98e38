package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.SolveStats;

/** A sweep's pass over the layers with no windows to score, with or without calibration text: levels are packed, nothing else. */
final class CalibratedPass {
    private final Checkpoint checkpoint;
    private final DecoderSpec spec;
    private final Resources resources;
    private final Backend backend;
    private static final WindowPlan NOTHING = new WindowPlan(new int[0], -1, false, List.of());

    private final WindowPlan calibration;
    private final boolean calibrated;
    private final Progress progress;
    private GivenImportance given = GivenImportance.NONE;
    private SeenImportance seen;
    private boolean tables;
    private double done;

    /** @param calibration windows, or null for none */
    CalibratedPass(Checkpoint checkpoint, Resources resources, WindowPlan calibration) {
        this.checkpoint = checkpoint;
        this.spec = checkpoint.spec();
        this.resources = resources;
        this.backend = resources.backend();
        calibrated = calibration != null;
        this.calibration = calibrated ? calibration : NOTHING;
        this.progress = resources.progress();
    }

    /** See {@link LayerPass#goBy} and {@link LayerPass#tell}. */
    CalibratedPass importances(GivenImportance file, SeenImportance listener) {
        given = file;
        seen = listener;
        return this;
    }

    /** Also measures what the output projection reads, behind the last layer of the full-precision model. */
    CalibratedPass withTables() {
        tables = true;
        return this;
    }

    /** @return what tables may be solved by; {@link TableInputs#NONE} unless that is measured */
    TableInputs run(List<LevelTally> tallies, PackedSink sink, Lanes lanes) throws IOException {
        SweepChecks.positions(checkpoint, calibration.longestWindow());
        double total = spec.layers()
                * (calibration.rows()
                        + tallies.stream()
                                .mapToDouble(tally -> CalibrationForward.rows(tally, calibration))
                                .sum());
        List<Workspace> spaces = new ArrayList<>();
        int unitRows = Math.max(1, calibration.largestUnit());
        List<Recipe> recipes = tallies.stream().map(tally -> tally.recipe).toList();
        long fixed = MemoryUse.fixed(checkpoint, recipes, 1, unitRows, backend);
        DeviceQuantization device = DeviceQuantization.of(backend, checkpoint, recipes, unitRows);
        double stateBytes = 4.0 * spec.hidden() * CalibrationForward.states(tallies) * calibration.rows();
        double inputBytes = FullPrecisionInputs.bytes(checkpoint, recipes, calibration.rows());
        long room = resources.memoryBudget() - fixed;
        // In proportion to what each of the two would take.
        long forInputs = inputBytes == 0 ? 0 : (long) (room * inputBytes / (inputBytes + stateBytes));
        try (HiddenStates none = new HiddenStates(tallies.size(), 0, spec.hidden(), 0, resources.spillFolder());
                HiddenStates states = new HiddenStates(
                        CalibrationForward.states(tallies),
                        calibration.rows(),
                        spec.hidden(),
                        room - forInputs,
                        resources.spillFolder());
                FullPrecisionInputs inputs =
                        FullPrecisionInputs.of(checkpoint, resources, recipes, calibration, forInputs);
                Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory();
                LayerTensors tensors =
                        new LayerTensors(backend, new WeightReader(checkpoint, lanes), device, arena, memory)) {
            if (calibrated) {
                embed(new WeightReader(checkpoint, lanes), states, CalibrationForward.states(tallies), lanes);
            }
            for (int lane = 0; lane < backend.lanes(); lane++) {
                spaces.add(new Workspace(backend, spec, unitRows));
            }
            LayerPass pass = new LayerPass(
                            backend,
                            new DecoderLayer(backend, spec, Math.max(1, calibration.longestWindow()), memory),
                            new MatrixQuantizer(backend, lanes),
                            lanes,
                            spaces,
                            checkpoint,
                            tensors,
                            sink,
                            (what, rows) -> {
                                progress.report(what, done, total);
                                done += rows;
                            })
                    .goBy(given)
                    .compareWith(inputs)
                    .moveOn(tables)
                    .tell(seen);
            for (int layer = 0; layer < spec.layers(); layer++) {
                pass.run(layer, NOTHING, tallies, none, calibrated ? calibration : null, states);
            }
            return tables
                    ? tableInputs(new WeightReader(checkpoint, lanes), states, memory, spaces, lanes)
                    : TableInputs.NONE;
        } finally {
            spaces.forEach(Workspace::close);
        }
    }

    private TableInputs tableInputs(
            WeightReader reader, HiddenStates states, TensorMemory memory, List<Workspace> spaces, Lanes lanes)
            throws IOException {
        FinalNorm norm = new FinalNorm(backend, checkpoint, reader, memory);
        try (Calibration sums = new Calibration("the output projection", backend, true)) {
            lanes.forEach(calibration.units().size(), spaces.size(), (lane, u) -> {
                WindowPlan.Unit unit = calibration.units().get(u);
                Workspace space = spaces.get(lane);
                Tensor x = space.x(unit.rows());
                states.load(CalibrationForward.FULL_PRECISION, unit.firstRow(), backend, x, space.host);
                sums.unit(u, tap -> tap.see(TensorRole.HEAD, 0, norm.apply(x, x)));
            });
            return TableInputs.of(spec, sums.importance().inputs(TensorRole.HEAD, 0));
        }
    }

    private void embed(WeightReader reader, HiddenStates states, int count, Lanes lanes) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            List<int[]> texts =
                    calibration.units().stream().map(WindowPlan.Unit::tokens).toList();
            Embeddings embeddings = new Embeddings(reader, spec, texts, arena);
            DenseMatrix rows = embeddings.in(null, arena, new SolveStats());
            DenseMatrix positions = Embeddings.positions(reader, checkpoint, arena);
            for (int state = 0; state < count; state++) {
                embeddings.write(rows, positions, calibration, states, state, lanes);
            }
        }
    }
}
