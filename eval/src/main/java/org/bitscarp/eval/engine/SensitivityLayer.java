package org.bitscarp.eval.engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;

/** One layer in full precision and quantized, side by side, and windows going through any mixture of the two. */
final class SensitivityLayer {
    /**
     * Windows of one state through the layer.
     *
     * @param from state that is read
     * @param to state that is written
     * @param quantized roles taken from the quantized layer
     */
    record Step(int from, int to, Set<TensorRole> quantized) {}

    private final Backend backend;
    private final DecoderLayer decoder;
    private final Lanes lanes;
    private final List<Workspace> spaces;
    private final DecoderSpec spec;
    private final Level level;
    private final Map<TensorRole, DenseMatrix> host;
    private final Map<TensorRole, Tensor> full = new EnumMap<>(TensorRole.class);
    private final Map<TensorRole, Tensor> quantized = new EnumMap<>(TensorRole.class);
    private final Map<TensorRole, Long> packed = new EnumMap<>(TensorRole.class);
    private final GivenImportance given;
    private int layer;
    private Set<TensorRole> present = Set.of();

    /**
     * @param host memory for the weights of any layer
     * @param given importances of a file
     */
    SensitivityLayer(
            Backend backend,
            DecoderLayer decoder,
            Lanes lanes,
            List<Workspace> spaces,
            DecoderSpec spec,
            Level level,
            Map<TensorRole, DenseMatrix> host,
            TensorMemory memory,
            GivenImportance given) {
        this.given = given;
        this.backend = backend;
        this.decoder = decoder;
        this.lanes = lanes;
        this.spaces = spaces;
        this.spec = spec;
        this.level = level;
        this.host = host;
        host.forEach((role, w) -> {
            full.put(role, memory.allocate(w.rows(), w.columns()));
            if (role.linear()) {
                quantized.put(role, memory.allocate(w.rows(), w.columns()));
            }
        });
    }

    /** The linear maps of the loaded layer. */
    Set<TensorRole> linear() {
        Set<TensorRole> linear = EnumSet.noneOf(TensorRole.class);
        present.stream().filter(TensorRole::linear).forEach(linear::add);
        return linear;
    }

    long weights(Set<TensorRole> roles) {
        return roles.stream().mapToLong(role -> host.get(role).size()).sum();
    }

    /** Packed size of some of the loaded layer's maps. */
    long bytes(Set<TensorRole> roles) {
        return roles.stream().mapToLong(packed::get).sum();
    }

    /** Reads and quantizes a layer. */
    void load(int layer, WeightReader reader, WindowPlan calibrationPlan, HiddenStates calibrationStates)
            throws IOException {
        this.layer = layer;
        present = reader.layer(layer, host);
        for (TensorRole role : present) {
            backend.upload(host.get(role).data(), full.get(role));
        }
        try (Calibration calibration = new Calibration("layer " + (layer + 1), backend, level.needsHessian())) {
            Importance importance = Importance.NONE;
            if (calibrationPlan != null && given.leaves(level)) {
                CalibrationForward.Place place = new CalibrationForward.Place(
                        layer,
                        mixture(Set.of()),
                        calibrationPlan,
                        calibrationStates,
                        CalibrationForward.FULL_PRECISION);
                new CalibrationForward(backend, decoder, lanes, spaces).gatherAndMove(place, calibration);
                importance = calibration.importance();
            }
            quantize(given.of(layer, level, importance));
        }
    }

    private void quantize(Importance importance) throws IOException {
        List<MatrixQuantizer.Job> jobs = new ArrayList<>();
        List<TensorRole> roles = new ArrayList<>();
        for (TensorRole role : linear()) {
            int matrices = role.perExpert() ? spec.mlp().experts() : 1;
            int rows = host.get(role).rows() / matrices;
            for (int i = 0; i < matrices; i++) {
                roles.add(role);
                jobs.add(new MatrixQuantizer.Job(
                                host.get(role).slice(i * rows, rows),
                                level.format(),
                                importance.inputs(role, i),
                                quantized.get(role).slice(i * rows, rows))
                        .from(new MatrixQuantizer.OnDevice(
                                full.get(role).slice(i * rows, rows), importance.onDevice(role, i))));
            }
        }
        packed.clear();
        List<MatrixQuantizer.Outcome> outcomes = new MatrixQuantizer(backend, lanes).run(level.solver(), jobs, null);
        for (int i = 0; i < outcomes.size(); i++) {
            packed.merge(roles.get(i), outcomes.get(i).bytes(), Long::sum);
        }
    }

    private LayerWeights mixture(Set<TensorRole> fromQuantized) {
        Map<TensorRole, Tensor> mixture = new EnumMap<>(TensorRole.class);
        for (TensorRole role : present) {
            mixture.put(role, fromQuantized.contains(role) ? quantized.get(role) : full.get(role));
        }
        return new LayerWeights(mixture);
    }

    /** Runs all windows of all steps; no step may read what another one writes. */
    void run(WindowPlan plan, HiddenStates states, List<Step> steps) throws IOException {
        List<LayerWeights> weights =
                steps.stream().map(step -> mixture(step.quantized)).toList();
        int units = plan.units().size();
        lanes.forEach(Math.multiplyExact(steps.size(), units), spaces.size(), (lane, i) -> {
            Step step = steps.get(i / units);
            WindowPlan.Unit unit = plan.units().get(i % units);
            Workspace space = spaces.get(lane);
            Tensor x = space.x(unit.rows());
            states.load(step.from, unit.firstRow(), backend, x, space.host);
            decoder.forward(layer, weights.get(i / units), x, unit.length(), space, DecoderLayer.Tap.NONE);
            states.store(step.to, unit.firstRow(), backend, x, space.host);
        });
    }
}
