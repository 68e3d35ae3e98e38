package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.transform.Basis;
import org.bitscarp.quant.transform.BasisChange;
import org.bitscarp.quant.transform.Chain;
import org.bitscarp.quant.transform.ChannelScales;
import org.bitscarp.quant.transform.ClipSearch;
import org.bitscarp.quant.transform.Scaling;
import org.bitscarp.quant.transform.SharedChannels;

/**
 * One layer's linear maps as a level's transform leaves them: rotated, then scaled, with the statistics of their inputs in
 * the same basis. These are packed; what the engine multiplies by is what the packed bytes decode to, brought back into
 * the plain model's basis, so that one set of hidden states, norms and vocabulary weights serves all levels.
 */
final class LayerTransform implements AutoCloseable {
    /** A linear map; the expert is 0 for one that is not one of several. */
    record Place(TensorRole role, int expert) {}

    private static final class Moved {
        private final DenseMatrix weights;
        private final BlockFormat format;
        private InputStatistics inputs;
        private BasisChange change;

        Moved(DenseMatrix weights, BlockFormat format, InputStatistics inputs, BasisChange change) {
            this.weights = weights;
            this.format = format;
            this.inputs = inputs;
            this.change = change;
        }
    }

    private final Folding folding;
    private final Solver solver;
    private final Lanes lanes;
    private final Set<TensorRole> roles;
    private final Arena arena = Arena.ofShared();
    private final Map<Place, Moved> maps = new LinkedHashMap<>();

    /** A linear map of the layer in full precision, its format and what calibration tells of its inputs. */
    record Plain(Place place, DenseMatrix weights, BlockFormat format, InputStatistics inputs) {}

    /**
     * @param layer all linear maps of the layer
     * @param vectors norms and what else the layer has that is not one of them
     * @param solver of the level
     */
    LayerTransform(Folding folding, List<Plain> layer, Map<TensorRole, DenseMatrix> vectors, Solver solver, Lanes lanes)
            throws IOException {
        this.folding = folding;
        this.solver = folding.scalesChannels() && solver == Solvers.RTN ? new ClipSearch() : solver;
        this.lanes = lanes;
        roles = vectors.keySet();
        try {
            rotate(layer, vectors);
            scale(solver);
        } catch (IOException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * What chooses codes in the new basis: where channels are scaled, rounding to nearest looks for how far grids reach too.
     * Solvers that search grids, or make up for their errors, have no use for it.
     */
    Solver solver() {
        return solver;
    }

    /** Quantizes a map in its new basis and decodes it back. */
    MatrixQuantizer.Job job(Plain map, Tensor target) {
        Moved moved = maps.get(map.place);
        return new MatrixQuantizer.Job(moved.weights, moved.format, moved.inputs, target, moved.change);
    }

    private void rotate(List<Plain> layer, Map<TensorRole, DenseMatrix> vectors) throws IOException {
        List<BasisChange> changes = new ArrayList<>();
        Map<Place, Basis> inputBases = new LinkedHashMap<>();
        Map<Place, InputStatistics> plain = new LinkedHashMap<>();
        for (Plain map : layer) {
            TensorRole role = map.place.role();
            Basis input = inputBasis(role.input(), vectors);
            changes.add(new BasisChange(input, folding.outputRotation(role, roles)));
            Place reads = new Place(role.input(), map.place.expert());
            inputBases.put(reads, input);
            plain.put(reads, map.inputs);
        }
        Map<Place, InputStatistics> inputs = inBases(plain, inputBases);
        DenseMatrix[] moved = new DenseMatrix[layer.size()];
        for (int i = 0; i < moved.length; i++) {
            DenseMatrix w = layer.get(i).weights;
            moved[i] = new DenseMatrix(arena.allocate(4 * w.size(), 64), w.rows(), w.columns());
        }
        lanes.forEach(moved.length, (lane, i) -> {
            MemorySegment.copy(layer.get(i).weights.data(), 0, moved[i].data(), 0, 4 * moved[i].size());
            changes.get(i).apply(moved[i]);
        });
        for (int i = 0; i < moved.length; i++) {
            Plain map = layer.get(i);
            Place reads = new Place(map.place.role().input(), map.place.expert());
            maps.put(map.place, new Moved(moved[i], map.format, inputs.get(reads), changes.get(i)));
        }
    }

    /** The gain of the norm before a rotation of the residual stream is left to the maps behind it. */
    private Basis inputBasis(TensorRole input, Map<TensorRole, DenseMatrix> vectors) {
        Basis rotation = folding.inputRotation(input, roles);
        if (rotation == null || !folding.rotatesResidual() || Folding.norm(input) == null) {
            return rotation;
        }
        DenseMatrix gain = vectors.get(Folding.norm(input));
        return Chain.of(new Scaling(gain.data().asSlice(0, 4 * gain.size()).toArray(JAVA_FLOAT)), rotation);
    }

    private Map<Place, InputStatistics> inBases(Map<Place, InputStatistics> plain, Map<Place, Basis> bases)
            throws IOException {
        List<Place> places = List.copyOf(plain.keySet());
        InputStatistics[] moved = new InputStatistics[places.size()];
        lanes.forEach(moved.length, (lane, i) -> {
            InputStatistics inputs = plain.get(places.get(i));
            Basis basis = bases.get(places.get(i));
            moved[i] = inputs == null || basis == null ? inputs : inputs.in(basis, arena);
        });
        Map<Place, InputStatistics> all = new LinkedHashMap<>();
        for (int i = 0; i < moved.length; i++) {
            all.put(places.get(i), moved[i]);
        }
        return all;
    }

    /** Maps that read one scaled input, all experts of a layer where they read the same. */
    private List<List<Place>> scaledTogether() {
        List<List<Place>> groups = new ArrayList<>();
        for (TensorRole input : folding.scaled(roles)) {
            List<Place> readers = maps.keySet().stream()
                    .filter(p -> p.role().input() == input)
                    .toList();
            if (Folding.norm(input) != null) {
                groups.add(readers);
            } else {
                int experts = readers.stream().mapToInt(Place::expert).max().orElse(-1) + 1;
                IntStream.range(0, experts)
                        .forEach(e -> groups.add(
                                readers.stream().filter(p -> p.expert() == e).toList()));
            }
        }
        return groups;
    }

    private void scale(Solver solver) throws IOException {
        // A solver that needs the whole input's second moments would take as long as quantizing, twenty times.
        Solver trial = solver.needsHessian() ? Solvers.SEARCH : solver;
        List<List<Place>> groups = scaledTogether();
        float[][] factors = new float[groups.size()][];
        lanes.forEach(factors.length, (lane, i) -> factors[i] = search(groups.get(i), trial));
        for (int i = 0; i < factors.length; i++) {
            if (factors[i] != null) {
                scale(groups.get(i), factors[i]);
            }
        }
    }

    /** Null where calibration tells nothing. */
    private float[] search(List<Place> group, Solver trial) {
        List<ChannelScales.Reader> readers = group.stream()
                .map(maps::get)
                .filter(map -> map.format.fitted() && map.inputs != null && map.inputs.hessian() != null)
                .map(map -> new ChannelScales.Reader(map.weights, map.format, map.inputs))
                .toList();
        if (readers.isEmpty()) {
            return null;
        }
        return ChannelScales.search(
                        readers, folding.shared(group.getFirst().role().input()), trial)
                .factors();
    }

    private void scale(List<Place> group, float[] factors) throws IOException {
        Basis scaling = new Scaling(factors);
        Map<Place, InputStatistics> plain = new LinkedHashMap<>();
        Map<Place, Basis> bases = new LinkedHashMap<>();
        for (Place place : group) {
            Place reads = new Place(place.role().input(), place.expert());
            plain.put(reads, maps.get(place).inputs);
            bases.put(reads, scaling);
        }
        Map<Place, InputStatistics> inputs = inBases(plain, bases);
        lanes.forEach(group.size(), (lane, i) -> {
            Moved map = maps.get(group.get(i));
            new BasisChange(scaling, null).apply(map.weights);
            map.change = map.change.then(new BasisChange(scaling, null));
            map.inputs = inputs.get(
                    new Place(group.get(i).role().input(), group.get(i).expert()));
        });
        TensorRole input = group.getFirst().role().input();
        if (Folding.producer(input) != null) {
            Moved producer =
                    maps.get(new Place(Folding.producer(input), group.getFirst().expert()));
            SharedChannels shared = folding.shared(input);
            BasisChange before = new BasisChange(null, new Scaling(shared == null ? factors : shared.mean(factors)));
            before.apply(producer.weights);
            producer.change = producer.change.then(before);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
