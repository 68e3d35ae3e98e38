package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelDigest;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.SolveStats;

/**
 * One pass over the layers of several checkpoints of one model, in lockstep: layer 1 of each, then layer 2 of each. Every
 * weight is read once, as its file stores it, and memory holds one layer of one file beside the hidden states of all.
 */
public final class ComparePass {
    /** What files are scored at: their values, whatever stores them. */
    private static final Recipe AS_STORED = Recipe.ofMaps(Level.parse("fp32"));

    private final List<Checkpoint> checkpoints;
    private final DecoderSpec spec;
    private final Resources resources;
    private final Backend backend;
    private final WindowPlan plan;
    private final RoundingNoise noise;
    private final Progress progress;
    private final List<ModelDigest> digests = new ArrayList<>();
    private LevelResult noiseFloor;
    private boolean spilled;
    private double done;

    /**
     * @param checkpoints the first is the reference; a checkpoint may be there twice
     * @param noise to run the reference with once more, or null
     * @throws IllegalArgumentException when a checkpoint cannot be one of the reference's model
     */
    public ComparePass(List<Checkpoint> checkpoints, Resources resources, WindowPlan plan, RoundingNoise noise) {
        this.checkpoints = List.copyOf(checkpoints);
        this.spec = checkpoints.getFirst().spec();
        this.resources = resources;
        this.backend = resources.backend();
        this.plan = plan;
        this.noise = noise;
        this.progress = resources.progress();
        for (Checkpoint checkpoint : checkpoints) {
            CompareChecks.sameShape(checkpoints.getFirst(), checkpoint);
            SweepChecks.positions(checkpoint, plan.longestWindow());
            digests.add(new ModelDigest(checkpoint));
        }
    }

    /** SHA-256 of the tensors of each checkpoint; complete after {@link #run}. */
    public List<String> modelSha256() {
        return digests.stream().map(ModelDigest::hex).toList();
    }

    /** The reference with rounding noise, after {@link #run}; null where none was asked for. */
    public LevelResult noiseFloor() {
        return noiseFloor;
    }

    /** Whether some hidden states went to a file. */
    public boolean spilled() {
        return spilled;
    }

    /**
     * Runs the pass; results in the order of the checkpoints, at the level {@code fp32}, with the bytes that their tensors
     * take in their files. What rounded the weights is unknown, and so is its error.
     */
    public List<LevelResult> run() throws IOException {
        List<LevelTally> tallies = tallies();
        int unitRows = plan.largestUnit();
        long fixed = MemoryUse.fixed(checkpoints.getFirst(), List.of(AS_STORED), checkpoints.size(), unitRows, backend);
        Preflight preflight = Preflight.of(checkpoints.getFirst(), fixed, plan.rows(), 0, tallies.size());
        preflight.check(LayerKeeper.none());
        preflight.say(backend, checkpoints.getFirst(), unitRows, tallies.size(), progress);
        try (Lanes lanes = resources.newLanes();
                HiddenStates states = new HiddenStates(
                        tallies.size(),
                        plan.rows(),
                        spec.hidden(),
                        resources.memoryBudget() - fixed,
                        resources.spillFolder())) {
            spilled = states.spilled();
            List<WeightReader> readers = new ArrayList<>();
            for (int c = 0; c < checkpoints.size(); c++) {
                readers.add(new WeightReader(checkpoints.get(c), digests.get(c), lanes));
                embed(c, readers.get(c), states, lanes);
            }
            layers(readers, tallies, states, lanes);
            progress.report("scoring the vocabulary", done, total());
            List<HeadScorer.Source> sources = new ArrayList<>();
            for (int c = 0; c < checkpoints.size(); c++) {
                sources.add(new HeadScorer.Source(checkpoints.get(c), readers.get(c)));
            }
            new HeadScorer(backend, state -> sources.get(checkpoint(state)), lanes)
                    .run(plan, tallies, states, (tally, nanos) -> {
                        synchronized (tally) {
                            tally.nanos += nanos / backend.lanes();
                        }
                    });
            progress.report("done", total(), total());
        }
        noiseFloor = noise == null ? null : tallies.getLast().result();
        return tallies.stream()
                .limit(checkpoints.size())
                .map(LevelTally::result)
                .toList();
    }

    /** One of each checkpoint, then that of the noise floor. */
    private List<LevelTally> tallies() {
        List<LevelTally> tallies = new ArrayList<>();
        for (int c = 0; c < checkpoints.size(); c++) {
            LevelTally tally = new LevelTally(AS_STORED, null, plan.rows(), spec.layers());
            count(checkpoints.get(c), tally);
            // Sums of squared differences to the reference's weights mean nothing for a file in another basis.
            tally.stats.squaredError = c == 0 ? 0 : Double.NaN;
            tallies.add(tally);
        }
        if (noise != null) {
            tallies.add(new LevelTally(AS_STORED, noise, plan.rows(), spec.layers()));
        }
        return tallies;
    }

    /** The checkpoint that a state's weights are from. */
    private int checkpoint(int state) {
        return state < checkpoints.size() ? state : 0;
    }

    private void embed(int c, WeightReader reader, HiddenStates states, Lanes lanes) throws IOException {
        Checkpoint checkpoint = checkpoints.get(c);
        List<int[]> texts = plan.units().stream().map(WindowPlan.Unit::tokens).toList();
        try (Arena arena = Arena.ofShared()) {
            Embeddings embeddings = new Embeddings(reader, checkpoint.spec(), texts, arena);
            DenseMatrix rows = embeddings.in(null, arena, new SolveStats());
            DenseMatrix positions = Embeddings.positions(reader, checkpoint, arena);
            embeddings.write(rows, positions, plan, states, c, lanes);
            if (c == 0 && noise != null) {
                embeddings.write(rows, positions, plan, states, checkpoints.size(), lanes);
            }
        }
        if (!checkpoint.spec().tiedHead()) {
            reader.digestOnly(TensorRole.EMBEDDING);
        }
    }

    private void layers(List<WeightReader> readers, List<LevelTally> tallies, HiddenStates states, Lanes lanes)
            throws IOException {
        List<Workspace> spaces = new ArrayList<>();
        try (Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory()) {
            List<DecoderLayer> decoders = new ArrayList<>();
            // Roles have the same shape in all files, but not all files have the same roles.
            Map<TensorRole, DenseMatrix> read = new EnumMap<>(TensorRole.class);
            for (int c = 0; c < readers.size(); c++) {
                decoders.add(new DecoderLayer(backend, checkpoints.get(c).spec(), plan.longestWindow(), memory));
                readers.get(c).allocateLayer(arena, read);
            }
            Map<TensorRole, Tensor> tensors = new EnumMap<>(TensorRole.class);
            read.forEach((role, w) -> tensors.put(role, memory.allocate(w.rows(), w.columns())));
            for (int lane = 0; lane < backend.lanes(); lane++) {
                spaces.add(new Workspace(backend, spec, plan.largestUnit()));
            }
            LayerForward forward = new LayerForward(backend, lanes, spaces);
            for (int layer = 0; layer < spec.layers(); layer++) {
                for (int c = 0; c < readers.size(); c++) {
                    long started = System.nanoTime();
                    LayerWeights weights = load(readers.get(c), layer, read, tensors);
                    tallies.get(c).nanos += System.nanoTime() - started;
                    for (int state = 0; state < tallies.size(); state++) {
                        if (checkpoint(state) == c) {
                            progress.report("layer " + (layer + 1) + ", file " + (c + 1), done, total());
                            started = System.nanoTime();
                            forward.run(decoders.get(c), layer, weights, plan, state, tallies.get(state), states);
                            tallies.get(state).nanos += System.nanoTime() - started;
                            done += plan.rows();
                        }
                    }
                }
            }
        } finally {
            spaces.forEach(Workspace::close);
        }
    }

    private LayerWeights load(
            WeightReader reader, int layer, Map<TensorRole, DenseMatrix> read, Map<TensorRole, Tensor> tensors)
            throws IOException {
        Set<TensorRole> present = reader.layer(layer, read);
        Map<TensorRole, Tensor> weights = new EnumMap<>(TensorRole.class);
        for (TensorRole role : present) {
            backend.upload(read.get(role).data(), tensors.get(role));
            weights.put(role, tensors.get(role));
        }
        return new LayerWeights(weights);
    }

    /** Rows through layers and, at the end, through the vocabulary, of all states. */
    private double total() {
        double states = checkpoints.size() + (noise == null ? 0 : 1);
        return states * plan.rows() * (spec.layers() + 1.0);
    }

    /** Bytes as the file has them: linear maps by themselves, then the rest. */
    private static void count(Checkpoint checkpoint, LevelTally tally) {
        long all = checkpoint.weights().stream().mapToLong(Weight::byteSize).sum();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                if (weight != null) {
                    tally.quantizedBytes += weight.byteSize();
                    tally.quantizedWeights += weight.size();
                }
            }
        }
        tally.otherBytes = all - tally.quantizedBytes;
    }
}
