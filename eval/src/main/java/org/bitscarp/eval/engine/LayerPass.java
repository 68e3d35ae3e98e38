package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.FloatFormat;

/**
 * The layers of a sweep, one at a time in the same memory: calibration first, then each level quantizes the layer and runs
 * all its windows through it.
 */
final class LayerPass {
    private final Backend backend;
    private final DecoderLayer decoder;
    private final LayerForward forward;
    private final CalibrationForward calibrationForward;
    private final MatrixQuantizer quantizer;
    private final Lanes lanes;
    private final Checkpoint checkpoint;
    private final int experts;
    private final LayerTensors tensors;
    private final PackedSink sink;
    private final Sweep.Work work;
    private GivenImportance given = GivenImportance.NONE;
    private SeenImportance seen;
    private FullPrecisionInputs inputs;
    private boolean moveOn;
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
        calibrationForward = new CalibrationForward(backend, decoder, lanes, spaces);
        this.lanes = lanes;
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

    /** Keeps full-precision inputs there, for levels that compare theirs with them; null where no level does. */
    LayerPass compareWith(FullPrecisionInputs memory) {
        inputs = memory;
        return this;
    }

    /** Whether calibration windows go through the full-precision model to its end, also where no level needs that. */
    LayerPass moveOn(boolean wanted) {
        moveOn = wanted;
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
        boolean hessians =
                tallies.stream().anyMatch(t -> (t.momentsWanted || t.level.usesHessian()) && !t.level.sequential());
        try (Calibration calibration = new Calibration("layer " + (layer + 1), backend, hessians);
                Arena arena = Arena.ofShared()) {
            Importance importance = Importance.NONE;
            if (calibrationPlan != null && (moveOn || measuresFullPrecision(tallies))) {
                work.begins("layer " + (layer + 1) + ", calibration", calibrationPlan.rows());
                importance = fullPrecision(calibrationPlan, calibrationStates, calibration, arena);
            }
            if (seen != null) {
                seen.add(checkpoint, layer, importance);
            }
            for (int l = 0; l < tallies.size(); l++) {
                LevelTally tally = tallies.get(l);
                double own = calibrationPlan == null ? 0 : CalibrationForward.rows(tally, calibrationPlan);
                work.begins(name(tally), plan.rows() + own);
                long started = System.nanoTime();
                LayerWeights weights = own > 0
                        ? loadInSequence(
                                l, tally, calibrationPlan, calibrationStates, CalibrationForward.state(tallies, l))
                        : load(l, tally, given.of(layer, tally.level, importance));
                forward.run(decoder, layer, weights, plan, l, tally, states);
                tally.nanos += System.nanoTime() - started;
            }
        }
    }

    /** @param arena for second moments that are read and not gathered */
    private Importance fullPrecision(WindowPlan plan, HiddenStates states, Calibration calibration, Arena arena)
            throws IOException {
        CalibrationForward.Place place = new CalibrationForward.Place(
                layer, tensors.fullPrecision(), plan, states, CalibrationForward.FULL_PRECISION);
        KeptHessians kept = given.kept();
        if (kept != null && kept.complete()) {
            if (inputs != null) {
                calibrationForward.move(place, inputs);
            } else if (moveOn) {
                calibrationForward.move(place);
            }
            return kept.read(layer, arena);
        }
        if (inputs != null) {
            calibrationForward.gatherAndMove(place, calibration, inputs);
        } else {
            calibrationForward.gatherAndMove(place, calibration);
        }
        Importance importance = calibration.importance();
        if (kept != null && calibration.withHessians()) {
            kept.write(layer, importance);
        }
        return importance;
    }

    private String name(LevelTally tally) {
        return "layer " + (layer + 1) + ", " + (tally.noise == null ? tally.recipe.name() : "noise floor");
    }

    private boolean measuresFullPrecision(List<LevelTally> tallies) {
        return seen != null
                || inputs != null
                || tallies.stream().anyMatch(t -> !t.level.sequential() && (t.momentsWanted || given.leaves(t.level)));
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
        quantize(level, tally, importance, linearMaps(tally, importance, role -> true));
        return tensors.ofLevel();
    }

    /**
     * The same, each input measured on windows that have gone through the level's own maps before it. A transform moves all
     * maps of a layer together, so that there only the layers before are quantized.
     */
    private LayerWeights loadInSequence(int level, LevelTally tally, WindowPlan plan, HiddenStates states, int state)
            throws IOException {
        LayerWeights sofar = tensors.fullPrecision();
        if (!tally.level.transform().identity()) {
            try (Calibration calibration = ofItsOwn(tally)) {
                calibrationForward.gather(new CalibrationForward.Place(layer, sofar, plan, states, state), calibration);
                Importance importance = calibration.importance();
                quantize(level, tally, importance, linearMaps(tally, importance, role -> true));
            }
        } else {
            Set<TensorRole> quantized = EnumSet.noneOf(TensorRole.class);
            for (TensorRole input : inputs()) {
                try (Calibration calibration = ofItsOwn(tally)) {
                    calibrationForward.gather(
                            new CalibrationForward.Place(layer, sofar, plan, states, state), calibration, input);
                    Importance importance = calibration.importance();
                    quantize(level, tally, importance, linearMaps(tally, importance, role -> role.input() == input));
                }
                tensors.host().keySet().stream()
                        .filter(role -> role.linear() && role.input() == input)
                        .forEach(quantized::add);
                sofar = tensors.ofLevel(quantized);
            }
        }
        calibrationForward.move(new CalibrationForward.Place(layer, tensors.ofLevel(), plan, states, state));
        return tensors.ofLevel();
    }

    private Calibration ofItsOwn(LevelTally tally) {
        return new Calibration(name(tally), backend, true, tally.level.asymmetric() ? inputs : null);
    }

    /** The inputs of the layer's linear maps, in the order of its work. */
    private Set<TensorRole> inputs() {
        Set<TensorRole> inputs = EnumSet.noneOf(TensorRole.class);
        tensors.host().keySet().stream().filter(TensorRole::linear).forEach(role -> inputs.add(role.input()));
        return inputs;
    }

    private void quantize(int level, LevelTally tally, Importance importance, List<LayerTransform.Plain> maps)
            throws IOException {
        if (tally.level.transform().identity()) {
            quantize(level, tally, importance, maps, null);
            return;
        }
        try (LayerTransform transform = new LayerTransform(
                Folding.of(checkpoint, tally.level.transform()), maps, tensors.host(), tally.level.solver(), lanes)) {
            quantize(level, tally, importance, maps, transform);
        }
    }

    private List<LayerTransform.Plain> linearMaps(
            LevelTally tally, Importance importance, Predicate<TensorRole> wanted) {
        List<LayerTransform.Plain> maps = new ArrayList<>();
        tensors.host().forEach((role, weights) -> {
            int matrices = !role.linear() || !wanted.test(role) ? 0 : role.perExpert() ? experts : 1;
            for (int i = 0; i < matrices; i++) {
                int rows = weights.rows() / matrices;
                maps.add(new LayerTransform.Plain(
                        new LayerTransform.Place(role, i),
                        weights.slice(i * rows, rows),
                        tally.recipe.maps().format(role, layer),
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
                transform == null ? tally.level.solver() : transform.solver(),
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
