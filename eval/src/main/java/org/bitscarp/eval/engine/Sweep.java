package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.DoubleAdder;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelDigest;

/**
 * One pass over the layers for all levels. Each layer's full-precision weights are read once; for each level they are
 * quantized, used on all windows, and dropped. Memory is two layers plus activations, whatever the size of the model and
 * the number of levels.
 */
public final class Sweep {
    private final Checkpoint checkpoint;
    private final DecoderSpec spec;
    private final Resources resources;
    private final Backend backend;
    private final WindowPlan plan;
    private final WindowPlan calibrationPlan;
    private final List<Recipe> recipes;
    private final Progress progress;
    private PackedSink sink = PackedSink.NONE;
    private GivenImportance given = GivenImportance.NONE;
    private RoundingNoise noise;
    private LevelResult noiseFloor;
    private ContinuationPlan continuations;
    private List<List<int[]>> written = List.of();
    private Optional<String> writing = Optional.empty();
    private LayerKeeper keeper = LayerKeeper.none();
    private final ModelDigest digest;
    private final DoubleAdder done = new DoubleAdder();
    private double total;
    private boolean spilled;
    private DeviceQuantization device = DeviceQuantization.NONE;

    /**
     * @param calibrationPlan windows that importances are gathered on, or null for none
     * @param recipes the first is the reference
     */
    public Sweep(
            Checkpoint checkpoint,
            Resources resources,
            WindowPlan plan,
            WindowPlan calibrationPlan,
            List<Recipe> recipes) {
        this.checkpoint = checkpoint;
        this.spec = checkpoint.spec();
        this.resources = resources;
        this.backend = resources.backend();
        this.plan = plan;
        this.calibrationPlan = calibrationPlan;
        this.recipes = List.copyOf(recipes);
        this.progress = resources.progress();
        digest = new ModelDigest(checkpoint);
    }

    /** Hands packed matrices to {@code sink} during {@link #run}. */
    public Sweep sendTo(PackedSink sink) {
        this.sink = sink;
        return this;
    }

    /** Lets levels go by the importances of a file where those suffice. */
    public Sweep goBy(GivenImportance file) {
        given = file;
        return this;
    }

    /** Also runs the reference with that noise, as one more level that is not among the results. */
    public Sweep withNoiseFloor(RoundingNoise rounding) {
        noise = rounding;
        return this;
    }

    /** The reference with rounding noise, after {@link #run}; null where none was asked for. */
    public LevelResult noiseFloor() {
        return noiseFloor;
    }

    /** Lets every level go on with prompts once it is scored; {@link #written} has what became of it. */
    public Sweep letWrite(ContinuationPlan plan) {
        continuations = plan;
        return this;
    }

    /**
     * Keeps finished layers, and goes on from those that a killed run with the same fingerprint has left
     * there. Not together with {@link #sendTo}, whose receiver would miss what was packed before.
     *
     * @param fingerprint everything that the results depend on
     */
    public Sweep keepIn(Keeping keeping, Fingerprint fingerprint) {
        keeper = new LayerKeeper(keeping, fingerprint);
        return this;
    }

    /** Wall time of {@link #run}, with that of the interrupted runs that it went on from. */
    public double seconds() {
        return keeper.seconds();
    }

    /** For each level, the texts of the plan; empty without one. */
    public List<List<int[]>> written() {
        return written;
    }

    /** For reports: what the device multiplied while levels wrote; empty where there is no device, or nothing was written. */
    public Optional<String> writingNote() {
        return writing;
    }

    /** Bytes that {@link #letWrite} makes a sweep take beside the rest: whole models of all recipes, and one at work. */
    public static long bytesToWrite(Checkpoint checkpoint, List<Recipe> recipes, ContinuationPlan plan) {
        return MemoryUse.packedModels(checkpoint, recipes) + tensorBytesToWrite(checkpoint, recipes, plan);
    }

    /** Bytes of tensors at least while levels write, with one layer at a time on the backend. */
    public static long tensorBytesToWrite(Checkpoint checkpoint, List<Recipe> recipes, ContinuationPlan plan) {
        return ContinuationPass.bytes(checkpoint, plan, MemoryUse.headFormats(recipes));
    }

    /** SHA-256 of the model's tensors, read along the way; complete after {@link #run}. */
    public String modelSha256() {
        return digest.hex();
    }

    /** Whether some hidden states went to a file. */
    public boolean spilled() {
        return spilled;
    }

    /** Which levels {@link #run} has quantized where. */
    public DeviceQuantization device() {
        return device;
    }

    /**
     * Runs the sweep; results in the order of the levels.
     *
     * @throws IllegalArgumentException before any work when a level's blocks do not fit a matrix of this model, or a
     *     window is longer than its learned positions
     */
    public List<LevelResult> run() throws IOException {
        SweepChecks.widths(checkpoint, recipes);
        SweepChecks.transforms(checkpoint, recipes);
        SweepChecks.tables(checkpoint, recipes);
        given.check(recipes, calibrationPlan);
        SweepChecks.calibration(recipes, calibrationPlan);
        SweepChecks.positions(checkpoint, longestWindow());
        if (continuations != null) {
            SweepChecks.positions(checkpoint, continuations.longest());
        }
        List<LevelTally> tallies = tallies();
        int calibrationRows = calibrationPlan == null ? 0 : calibrationPlan.rows();
        int calibrated = calibrationPlan == null ? 0 : CalibrationForward.states(tallies);
        double levelRows = (double) plan.rows() * tallies.size();
        double calibrationWork = calibrationPlan == null
                ? 0
                : calibrationRows
                        + tallies.stream()
                                .mapToDouble(tally -> CalibrationForward.rows(tally, calibrationPlan))
                                .sum();
        total = spec.layers() * (levelRows + calibrationWork) + levelRows;
        int unitRows = Math.max(plan.largestUnit(), calibrationPlan == null ? 0 : calibrationPlan.largestUnit());
        device = DeviceQuantization.of(backend, checkpoint, recipes, unitRows);
        int headFormats = MemoryUse.headFormats(recipes);
        long fixed = MemoryUse.fixed(checkpoint, recipes, headFormats, unitRows, backend);
        Preflight preflight =
                Preflight.of(checkpoint, fixed, plan.rows(), (long) calibrated * calibrationRows, tallies.size());
        preflight.check(keeper);
        preflight.say(backend, checkpoint, unitRows, tallies.size(), progress);
        // In proportion to what each of them would take.
        double rowBytes = 4.0 * spec.hidden();
        double levelBytes = rowBytes * plan.rows() * tallies.size();
        double calibrationBytes = rowBytes * calibrated * calibrationRows;
        double inputBytes = FullPrecisionInputs.bytes(checkpoint, recipes, calibrationRows);
        double share = (resources.memoryBudget() - fixed) / (levelBytes + calibrationBytes + inputBytes);
        TableInputs tables = TableInputs.measure(checkpoint, resources, calibrationPlan, recipes);
        try (Lanes lanes = resources.newLanes();
                PackedLevels packed = continuations == null
                        ? null
                        : new PackedLevels(
                                MemoryUse.packedModels(checkpoint, recipes),
                                resources.memoryBudget() / 4,
                                resources.spillFolder());
                HiddenStates states = new HiddenStates(
                        tallies.size(),
                        plan.rows(),
                        spec.hidden(),
                        (long) (levelBytes * share),
                        resources.spillFolder());
                HiddenStates calibrationStates = calibrationPlan == null
                        ? null
                        : new HiddenStates(
                                calibrated,
                                calibrationRows,
                                spec.hidden(),
                                (long) (calibrationBytes * share),
                                resources.spillFolder());
                FullPrecisionInputs inputs = FullPrecisionInputs.of(
                        checkpoint, resources, recipes, calibrationPlan, (long) (inputBytes * share))) {
            spilled = states.spilled()
                    || calibrationStates != null && calibrationStates.spilled()
                    || inputs != null && inputs.spilled();
            WeightReader reader = new WeightReader(checkpoint, digest, lanes);
            LayerKeeper.Parts parts = new LayerKeeper.Parts(
                    tallies,
                    digest,
                    states,
                    calibrationStates,
                    inputs == null && given.kept() != null && given.kept().complete(),
                    packed);
            int finished = keeper.restore(parts);
            if (finished == 0) {
                new FirstStates(backend, checkpoint, tables, reader, lanes)
                        .write(plan, tallies, states, calibrationPlan, calibrationStates);
            } else {
                goesOnAt(finished, levelRows, calibrationWork);
            }
            PackedSink sinks = packed == null ? sink : packed.before(sink);
            layers(finished, parts, inputs, reader, unitRows, lanes, sinks);
            if (finished <= spec.layers()) {
                progress.report("scoring the vocabulary", done.sum(), total);
                new HeadScorer(backend, checkpoint, reader, lanes)
                        .goBy(tables)
                        .run(plan, tallies, states, (level, nanos) -> {
                            synchronized (level) {
                                level.nanos += nanos / backend.lanes();
                            }
                        });
                done.add(levelRows);
                if (packed != null) {
                    keeper.scored(spec.layers(), parts);
                }
            }
            if (packed != null) {
                ContinuationPass pass = new ContinuationPass(backend, checkpoint, tables, lanes);
                written = pass.run(
                        continuations,
                        tallies.subList(0, recipes.size()),
                        packed,
                        resources.memoryBudget() / 2,
                        level -> progress.report(level.recipe.name() + " writes", done.sum(), total));
                writing = pass.note();
            }
            progress.report("done", done.sum(), total);
        }
        new UnquantizedBytes(checkpoint).addTo(tallies);
        noiseFloor = noise == null ? null : tallies.getLast().result();
        return tallies.stream().limit(recipes.size()).map(LevelTally::result).toList();
    }

    /** One of each recipe, then that of the noise floor. */
    private List<LevelTally> tallies() {
        List<LevelTally> tallies = new ArrayList<>();
        for (Recipe recipe : recipes) {
            tallies.add(new LevelTally(recipe, null, plan.rows(), spec.layers()));
        }
        if (noise != null) {
            tallies.add(new LevelTally(recipes.getFirst(), noise, plan.rows(), spec.layers()));
        }
        return tallies;
    }

    private void goesOnAt(int finished, double levelRows, double calibrationWork) {
        progress.note(
                finished > spec.layers()
                        ? "going on after the interrupted run: all levels are scored"
                        : "going on after layer " + finished + " of " + spec.layers() + ", which an interrupted run had"
                                + " finished");
        done.add(Math.min(finished, spec.layers()) * (levelRows + calibrationWork));
        done.add(finished > spec.layers() ? levelRows : 0);
    }

    private int longestWindow() {
        return Math.max(plan.longestWindow(), calibrationPlan == null ? 0 : calibrationPlan.longestWindow());
    }

    private void layers(
            int finished,
            LayerKeeper.Parts parts,
            FullPrecisionInputs inputs,
            WeightReader reader,
            int unitRows,
            Lanes lanes,
            PackedSink sinks)
            throws IOException {
        List<Workspace> spaces = new ArrayList<>();
        try (Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory();
                LayerTensors tensors = new LayerTensors(backend, reader, device, arena, memory)) {
            DecoderLayer decoder = new DecoderLayer(backend, spec, longestWindow(), memory);
            MatrixQuantizer quantizer = new MatrixQuantizer(backend, lanes);
            for (int lane = 0; lane < backend.lanes(); lane++) {
                spaces.add(new Workspace(backend, spec, unitRows));
            }
            LayerPass pass = new LayerPass(
                            backend, decoder, quantizer, lanes, spaces, checkpoint, tensors, sinks, this::advance)
                    .goBy(given)
                    .compareWith(inputs);
            for (int layer = finished; layer < spec.layers(); layer++) {
                pass.run(layer, plan, parts.tallies(), parts.states(), calibrationPlan, parts.calibration());
                keeper.finished(layer + 1, parts);
            }
        } finally {
            spaces.forEach(Workspace::close);
        }
    }

    private void advance(String what, double rows) {
        progress.report(what, done.sum(), total);
        done.add(rows);
    }

    /** Told of work about to be done, in rows through one layer. */
    @FunctionalInterface
    interface Work {
        void begins(String what, double rows);
    }
}
