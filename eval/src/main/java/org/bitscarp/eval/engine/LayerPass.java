package org.bitscarp.eval.engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.FloatFormat;

/**
 * The layers of a sweep, one at a time in the same memory: calibration first, then each level quantizes the layer and runs
 * all its windows through it.
 */
final class LayerPass {
    private final Backend backend;
    private final DecoderLayer decoder;
    private final LayerForward forward;
    private final MatrixQuantizer quantizer;
    private final Lanes lanes;
    private final List<Workspace> spaces;
    private final Checkpoint checkpoint;
    private final int experts;
    private final LayerTensors tensors;
    private final PackedSink sink;
    private final Sweep.Work work;
    private GivenImportance given = GivenImportance.NONE;
    private SeenImportance seen;
    private int layer;

    LayerPass(
            Backend backend,
            DecoderLayer decoder,
            MatrixQuantizer quantizer,
            Lanes lanes,
            List<Workspace> spaces,
            Checkpoint checkpoint,
            LayerTensors tensors,
            PackedSink sink,
            Sweep.Work work) {
        this.backend = backend;
        this.decoder = decoder;
        this.quantizer = quantizer;
        forward = new LayerForward(backend, lanes, spaces);
        this.lanes = lanes;
        this.spaces = spaces;
        this.checkpoint = checkpoint;
        experts = checkpoint.spec().mlp().experts();
        this.sink = sink;
        this.work = work;
        this.tensors = tensors;
    }

    /** Lets levels go by the importances of a file where those suffice. */
    LayerPass goBy(GivenImportance file) {
        given = file;
        return this;
    }

    /** Hands on what calibration finds; null for nobody. */
    LayerPass tell(SeenImportance listener) {
        seen = listener;
        return this;
    }

    /**
     * Reads a layer and runs it.
     *
     * @param calibrationPlan null for no calibration
     */
    void run(
            int layer,
            WindowPlan plan,
            List<LevelTally> tallies,
            HiddenStates states,
            WindowPlan calibrationPlan,
            HiddenStates calibrationStates)
            throws IOException {
        this.layer = layer;
        tensors.take(layer);
        if (layer + 1 < checkpoint.spec().layers()) {
            tensors.begin(layer + 1);
        }
        boolean hessians = tallies.stream().anyMatch(t -> t.momentsWanted || t.level.usesHessian());
        try (Calibration calibration = new Calibration(backend, hessians)) {
            Importance importance = calibrationPlan == null
                    ? Importance.NONE
                    : calibrate(calibration, calibrationPlan, calibrationStates);
            if (seen != null) {
                seen.add(checkpoint, layer, importance);
            }
            for (int l = 0; l < tallies.size(); l++) {
                LevelTally tally = tallies.get(l);
                work.begins(
                        "layer " + (layer + 1) + ", " + (tally.noise == null ? tally.level : "noise floor"),
                        plan.rows());
                long started = System.nanoTime();
                LayerWeights weights = load(l, tally, given.of(layer, tally.level, importance));
                forward.run(decoder, layer, weights, plan, l, tally, states);
                tally.nanos += System.nanoTime() - started;
            }
        }
    }

    private Importance calibrate(Calibration calibration, WindowPlan plan, HiddenStates states) throws IOException {
        work.begins("layer " + (layer + 1) + ", calibration", plan.rows());
        LayerWeights weights = tensors.fullPrecision();
        lanes.forEach(plan.units().size(), spaces.size(), (lane, u) -> {
            WindowPlan.Unit unit = plan.units().get(u);
            Workspace space = spaces.get(lane);
            Tensor x = space.x(unit.rows());
            states.load(0, unit.firstRow(), backend, x, space.host);
            calibration.unit(u, tap -> decoder.forward(layer, weights, x, unit.length(), space, tap));
            states.store(0, unit.firstRow(), backend, x, space.host);
        });
        return calibration.importance();
    }

    /** The layer as the level has it. */
    private LayerWeights load(int level, LevelTally tally, Importance importance) throws IOException {
        if (tally.level.format() == FloatFormat.FP32 && tally.level.transform().identity()) {
            tensors.host().forEach((role, weights) -> {
                if (role.linear()) {
                    tally.keptExactly(weights);
                }
            });
            return tensors.fullPrecision();
        }
        List<LayerTransform.Plain> maps = linearMaps(tally, importance);
        if (tally.level.transform().identity()) {
            quantize(level, tally, importance, maps, null);
            return tensors.ofLevel();
        }
        try (LayerTransform transform = new LayerTransform(
                Folding.of(checkpoint, tally.level.transform()), maps, tensors.host(), tally.level.solver(), lanes)) {
            quantize(level, tally, importance, maps, transform);
        }
        return tensors.ofLevel();
    }

    private List<LayerTransform.Plain> linearMaps(LevelTally tally, Importance importance) {
        List<LayerTransform.Plain> maps = new ArrayList<>();
        tensors.host().forEach((role, weights) -> {
            int matrices = role.perExpert() ? experts : role.linear() ? 1 : 0;
            for (int i = 0; i < matrices; i++) {
                int rows = weights.rows() / matrices;
                maps.add(new LayerTransform.Plain(
                        new LayerTransform.Place(role, i),
                        weights.slice(i * rows, rows),
                        tally.allocation.format(role, layer),
                        importance.inputs(role, i)));
                if (tally.level.calibrated() && importance.unsampled(role, i)) {
                    tally.unsampledExpert();
                }
            }
        });
        return maps;
    }

    /** @param transform null for none */
    private void quantize(
            int level,
            LevelTally tally,
            Importance importance,
            List<LayerTransform.Plain> maps,
            LayerTransform transform)
            throws IOException {
        List<MatrixQuantizer.Job> jobs = new ArrayList<>();
        for (LayerTransform.Plain map : maps) {
            LayerTransform.Place place = map.place();
            int rows = map.weights().rows();
            int first = place.expert() * rows;
            Tensor target = tensors.target(place.role(), first, rows);
            if (transform != null) {
                jobs.add(transform.job(map, target));
                continue;
            }
            Tensor original = tensors.original(place.role(), first, rows);
            jobs.add(new MatrixQuantizer.Job(map.weights(), map.format(), map.inputs(), target)
                    .from(
                            original == null
                                    ? null
                                    : new MatrixQuantizer.OnDevice(
                                            original, importance.onDevice(place.role(), place.expert()))));
        }
        // The noise floor's matrices are the reference's, which the sink has already.
        boolean wanted = tally.noise == null && sink != PackedSink.NONE;
        List<MatrixQuantizer.Outcome> outcomes = quantizer.run(
                tally.level.solver(),
                jobs,
                !wanted
                        ? null
                        : (job, matrix) -> {
                            LayerTransform.Place place = maps.get(job).place();
                            sink.packed(jobs.get(job).packed(level, layer, place.role(), place.expert(), matrix));
                        });
        for (int i = 0; i < jobs.size(); i++) {
            tally.quantized(outcomes.get(i), jobs.get(i).weights().size());
        }
    }
}
