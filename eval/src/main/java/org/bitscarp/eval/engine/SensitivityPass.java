package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelDigest;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.SolveStats;

/**
 * What quantizing each part of a model costs, each part alone and all parts but it, from one pass over the layers. A
 * variant costs nothing until the layer of its part: up to there it is the full-precision model, or the model that is
 * quantized throughout, whose hidden states it branches off from. So n parts in L layers take about n·(L + 1) / L passes of
 * a single level and not 2·n.
 */
public final class SensitivityPass {
    /** States: full precision, all parts quantized, then two for each part. */
    private static final int FULL = 0;

    private static final int ALL = 1;

    private final Checkpoint checkpoint;
    private final DecoderSpec spec;
    private final Resources resources;
    private final Backend backend;
    private final WindowPlan plan;
    private final WindowPlan calibrationPlan;
    private final Level level;
    private final Progress progress;
    private final ModelDigest digest;
    private GivenImportance given = GivenImportance.NONE;

    /**
     * @param calibrationPlan windows that importances are gathered on, or null
     * @param level that parts are quantized to
     */
    public SensitivityPass(
            Checkpoint checkpoint, Resources resources, WindowPlan plan, WindowPlan calibrationPlan, Level level) {
        this.checkpoint = checkpoint;
        this.spec = checkpoint.spec();
        this.resources = resources;
        this.backend = resources.backend();
        this.plan = plan;
        this.calibrationPlan = calibrationPlan;
        this.level = level;
        this.progress = resources.progress();
        digest = new ModelDigest(checkpoint);
    }

    /** Lets the level go by the importances of a file where those suffice. */
    public SensitivityPass goBy(GivenImportance file) {
        given = file;
        return this;
    }

    /** SHA-256 of the model's tensors; complete after {@link #run}. */
    public String modelSha256() {
        return digest.hex();
    }

    /**
     * What a part costs.
     *
     * @param weights in the part
     * @param bytes that it is packed in
     * @param alone scores with this part quantized and the rest in full precision
     * @param without scores with this part in full precision and the rest quantized
     */
    public record Cost(SensitivityPart part, long weights, long bytes, TokenScores alone, TokenScores without) {}

    /**
     * What the pass measured.
     *
     * @param reference scores in full precision
     * @param all scores with every part quantized
     */
    public record Result(TokenScores reference, TokenScores all, List<Cost> costs) {}

    /** The linear maps of every layer one by one, if wanted, and each layer as a whole. */
    public static List<SensitivityPart> parts(Checkpoint checkpoint, boolean tensors) {
        List<SensitivityPart> parts = new ArrayList<>();
        for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
            Set<TensorRole> roles = EnumSet.noneOf(TensorRole.class);
            for (TensorRole role : TensorRole.values()) {
                if (role.linear()
                        && role.inLayer()
                        && checkpoint.weight(role, layer).isPresent()) {
                    roles.add(role);
                }
            }
            parts.add(new SensitivityPart(layer, roles));
            for (TensorRole role : tensors && roles.size() > 1 ? roles : Set.<TensorRole>of()) {
                parts.add(new SensitivityPart(layer, Set.of(role)));
            }
        }
        return parts;
    }

    /** Runs the pass for parts in the order of their layers; costs in their order. */
    public Result run(List<SensitivityPart> parts) throws IOException {
        Recipe recipe = Recipe.ofMaps(level);
        SweepChecks.widths(checkpoint, List.of(recipe));
        SweepChecks.noTransform(level, "sensitivity");
        given.check(List.of(recipe), calibrationPlan);
        SweepChecks.calibration(List.of(recipe), calibrationPlan);
        SweepChecks.positions(checkpoint, longestWindow());
        int states = 2 + 2 * parts.size();
        List<LevelTally> tallies = new ArrayList<>();
        for (int s = 0; s < states; s++) {
            // All variants keep embedding and output projection as they are: only the parts differ.
            tallies.add(new LevelTally(recipe, null, plan.rows(), spec.layers()));
        }
        int calibrationRows = calibrationPlan == null ? 0 : calibrationPlan.rows();
        long share = resources.memoryBudget() / (calibrationRows == 0 ? 1 : 2);
        long[] weights = new long[parts.size()];
        long[] bytes = new long[parts.size()];
        try (Lanes lanes = resources.newLanes();
                HiddenStates hidden =
                        new HiddenStates(states, plan.rows(), spec.hidden(), share, resources.spillFolder());
                HiddenStates calibration = calibrationPlan == null
                        ? null
                        : new HiddenStates(1, calibrationRows, spec.hidden(), share, resources.spillFolder())) {
            WeightReader reader = new WeightReader(checkpoint, digest, lanes);
            embed(reader, hidden, calibration, lanes);
            layers(parts, reader, hidden, calibration, lanes, weights, bytes);
            progress.report("scoring the vocabulary", 1, 1);
            new HeadScorer(backend, checkpoint, reader, lanes).run(plan, tallies, hidden, (tally, nanos) -> {});
        }
        List<Cost> costs = new ArrayList<>();
        for (int p = 0; p < parts.size(); p++) {
            costs.add(new Cost(
                    parts.get(p), weights[p], bytes[p], tallies.get(alone(p)).scores, tallies.get(without(p)).scores));
        }
        return new Result(tallies.get(FULL).scores, tallies.get(ALL).scores, costs);
    }

    private void embed(WeightReader reader, HiddenStates hidden, HiddenStates calibration, Lanes lanes)
            throws IOException {
        List<int[]> texts = new ArrayList<>();
        plan.units().forEach(u -> texts.add(u.tokens()));
        if (calibrationPlan != null) {
            calibrationPlan.units().forEach(u -> texts.add(u.tokens()));
        }
        try (Arena arena = Arena.ofShared()) {
            Embeddings embeddings = new Embeddings(reader, spec, texts, arena);
            DenseMatrix rows = embeddings.in(null, arena, new SolveStats());
            DenseMatrix positions = Embeddings.positions(reader, checkpoint, arena);
            embeddings.write(rows, positions, plan, hidden, FULL, lanes);
            embeddings.write(rows, positions, plan, hidden, ALL, lanes);
            if (calibrationPlan != null) {
                embeddings.write(rows, positions, calibrationPlan, calibration, 0, lanes);
            }
        }
        if (!spec.tiedHead()) {
            reader.digestOnly(TensorRole.EMBEDDING);
        }
    }

    private void layers(
            List<SensitivityPart> parts,
            WeightReader reader,
            HiddenStates hidden,
            HiddenStates calibration,
            Lanes lanes,
            long[] weights,
            long[] bytes)
            throws IOException {
        List<Workspace> spaces = new ArrayList<>();
        int unitRows = Math.max(plan.largestUnit(), calibrationPlan == null ? 0 : calibrationPlan.largestUnit());
        try (Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory()) {
            DecoderLayer decoder = new DecoderLayer(backend, spec, longestWindow(), memory);
            for (int lane = 0; lane < backend.lanes(); lane++) {
                spaces.add(new Workspace(backend, spec, unitRows));
            }
            SensitivityLayer pass = new SensitivityLayer(
                    backend, decoder, lanes, spaces, spec, level, reader.allocateLayer(arena), memory, given);
            int next = 0;
            for (int layer = 0; layer < spec.layers(); layer++) {
                progress.report(
                        "layer " + (layer + 1) + " of " + spec.layers(),
                        work(parts, layer),
                        work(parts, spec.layers()));
                pass.load(layer, reader, calibrationPlan, calibration);
                List<SensitivityLayer.Step> branches = new ArrayList<>();
                List<SensitivityLayer.Step> rest = new ArrayList<>();
                for (int p = 0; p < next; p++) {
                    rest.add(new SensitivityLayer.Step(alone(p), alone(p), Set.of()));
                    rest.add(new SensitivityLayer.Step(without(p), without(p), pass.linear()));
                }
                for (; next < parts.size() && parts.get(next).layer() == layer; next++) {
                    Set<TensorRole> part = parts.get(next).roles();
                    Set<TensorRole> others = EnumSet.copyOf(pass.linear());
                    others.removeAll(part);
                    branches.add(new SensitivityLayer.Step(FULL, alone(next), part));
                    branches.add(new SensitivityLayer.Step(ALL, without(next), others));
                    weights[next] = pass.weights(part);
                    bytes[next] = pass.bytes(part);
                }
                rest.add(new SensitivityLayer.Step(FULL, FULL, Set.of()));
                rest.add(new SensitivityLayer.Step(ALL, ALL, pass.linear()));
                // Branches read the states that the rest moves on.
                pass.run(plan, hidden, branches);
                pass.run(plan, hidden, rest);
            }
        } finally {
            spaces.forEach(Workspace::close);
        }
    }

    /** Passes of windows through single layers before layer {@code layer}. */
    private static double work(List<SensitivityPart> parts, int layer) {
        double passes = 2.0 * layer;
        for (SensitivityPart part : parts) {
            passes += 2.0 * Math.max(0, layer - part.layer());
        }
        return passes;
    }

    private static int alone(int part) {
        return 2 + 2 * part;
    }

    private static int without(int part) {
        return 3 + 2 * part;
    }

    private int longestWindow() {
        return Math.max(plan.longestWindow(), calibrationPlan == null ? 0 : calibrationPlan.longestWindow());
    }
}
