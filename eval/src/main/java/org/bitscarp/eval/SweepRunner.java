package org.bitscarp.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.eval.budget.BudgetPlanner;
import org.bitscarp.eval.engine.GivenImportance;
import org.bitscarp.eval.engine.KeptHessians;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.LevelStore;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.eval.engine.Sweep;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.quantize.QuantizeTarget;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.Statistics;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.scores.ScoreFile;
import org.bitscarp.eval.task.TaskSequences;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.Weight;

/** A sweep from request to result: tokens, windows, measurement, statistics, the cliff. */
public final class SweepRunner {
    private final Backend backend;
    private final CliffRule cliffRule;
    private final String version;

    /** @param version of the program, for the report */
    public SweepRunner(Backend backend, CliffRule cliffRule, String version) {
        this.backend = backend;
        this.cliffRule = cliffRule;
        this.version = version;
    }

    public SweepResult run(Checkpoint checkpoint, SweepRequest request, Progress progress) throws IOException {
        Instant started = Instant.now();
        List<String> notes = new ArrayList<>();
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            progress.report("tokenizing " + request.text().name(), 0, 1);
            TokenizedText text = tokenize(request.text(), tokenizer, checkpoint, request.maxTokens());
            List<TaskSequences> tasks = tasks(request.tasks(), tokenizer, checkpoint);
            WindowPlan plan = new WindowPlan(
                    text.tokens(),
                    tokenizer.bos(),
                    tokenizer.addsBos(),
                    request.protocols(),
                    tasks.stream().flatMap(t -> t.sequences().stream()).toList());
            BudgetPlanner.Windows forBudgets = request.rows().budgets().isEmpty()
                    ? null
                    : CalibrationWindows.forBudget(
                            checkpoint, tokenizer, request.calibration(), request.calibrationSize());
            WindowPlan calibration = forBudgets != null
                    ? forBudgets.calibration()
                    : CalibrationWindows.of(checkpoint, tokenizer, request.calibration(), request.calibrationSize());
            List<String> names = request.rows().names();
            RowRecipes recipes = new RowRecipes(checkpoint, request, "bitscarp " + version);
            Judgement judgement = request.judgement();
            ContinuationPlan asked = asked(request, text, tokenizer);
            String obstacle = asked == null ? null : obstacle(checkpoint, request, recipes, asked);
            boolean writes = asked != null
                    && (obstacle == null || request.continuations().demanded());
            GivenImportance given = GivenImportance.of(checkpoint, request.imatrix());
            Fingerprint fingerprint =
                    SweepFingerprint.of(version, backend, checkpoint, tokenizer, request, calibration, writes);
            if (LevelStore.differsOnlyIn(
                    SweepFingerprint.WRITES, request.keeping().folder(), fingerprint)) {
                writes = !writes;
                fingerprint.with(SweepFingerprint.WRITES, writes);
            }
            ContinuationPlan writing = writes ? asked : null;
            LevelStore store = new LevelStore(request.keeping().folder());
            store.open(fingerprint, progress);
            List<String> missing = store.missing(names);
            List<Recipe> toRun = recipes.of(missing, forBudgets, backend, fingerprint, progress);
            if (!missing.isEmpty()) {
                try (KeptHessians kept = CalibrationFolder.open(
                        request.hessians(), backend, checkpoint, tokenizer, request.calibration(), calibration)) {
                    Sweep sweep = new Sweep(checkpoint, request.resources(backend, progress), plan, calibration, toRun)
                            .goBy(given.with(kept))
                            .keepIn(request.keeping(), LevelStore.of(fingerprint, missing))
                            .withNoiseFloor(names.size() < 2 ? null : judgement.noise())
                            .letWrite(writing);
                    store.add(sweep, sweep.run(), fingerprint);
                    sweep.device().note().ifPresent(notes::add);
                    sweep.writingNote().ifPresent(notes::add);
                }
            }
            List<LevelResult> results = store.results(names);
            progress.report("resampling", 1, 1);
            List<Measured> measured = Measured.levels(results, checkpoint);
            Assessment assessment =
                    new Assessment(measured, names.size() < 2 ? null : store.noiseFloor(), plan, judgement);
            List<SweepResult.Row> rows = assessment.rows(text);
            Statistics statistics = assessment.statistics(rows);
            double overlap = NgramOverlap.share(text.tokens(), calibration);
            notes.addAll(Guards.text(text, tokenizer));
            notes.addAll(Guards.overlap(overlap));
            notes.addAll(recipes.notes());
            addNotes(notes, checkpoint, request, plan, results, store);
            if (asked != null && !writes) {
                notes.add("Levels wrote no continuations" + (obstacle == null ? "" : ": " + obstacle)
                        + "; ask for them with --continuations.");
            }
            notes.addAll(Guards.scores(rows, checkpoint.spec().vocabulary()));
            if (request.scoresFolder() != null) {
                writeScores(request.scoresFolder(), measured, plan, text, tokenizer);
            }
            SweepResult.Cliff cliff = rows.size() < 2 ? null : cliffRule.find(rows);
            return new SweepResult(
                    version,
                    describe(checkpoint, store.modelSha256()),
                    describe(text, tokenizer),
                    protocols(plan, tokenizer),
                    backend.description(),
                    backend.computeType(),
                    describeCalibration(request, backend, calibration, overlap),
                    request.command(),
                    started.toString(),
                    store.seconds(),
                    rows,
                    cliff,
                    new SweepResult.Behaviour(
                            TaskScores.of(tasks, plan, results),
                            writing == null
                                    ? null
                                    : new ContinuationTexts(writing, tokenizer).of(results, store.written(names)),
                            new Passages(plan, tokenizer).of(rows, cliff, results)),
                    statistics,
                    notes);
        }
    }

    private static List<TaskSequences> tasks(List<Task> tasks, Tokenizer tokenizer, Checkpoint checkpoint)
            throws IOException {
        List<TaskSequences> sequences = new ArrayList<>();
        for (Task task : tasks) {
            sequences.add(TaskSequences.of(
                    task,
                    tokenizer,
                    checkpoint.spec().vocabulary(),
                    checkpoint.spec().maxPositions()));
        }
        return sequences;
    }

    /** What levels are to write, or null. */
    private static ContinuationPlan asked(SweepRequest request, TokenizedText text, Tokenizer tokenizer) {
        List<int[]> prompts = request.continuations().prompts().stream()
                .map(prompt -> tokenizer.encode(prompt, true))
                .toList();
        return request.continuations().plan(text.tokens(), prompts);
    }

    /** Why a sweep that was not asked to had better not write, or null. */
    private String obstacle(Checkpoint checkpoint, SweepRequest request, RowRecipes recipes, ContinuationPlan plan) {
        long bytes = Sweep.bytesToWrite(checkpoint, recipes.targets(), plan) + recipes.budgetBytes();
        if (bytes > request.memoryBudget() / 2) {
            return "that takes " + (bytes >> 20) + " MiB beside the sweep, more than half of --memory";
        }
        long onDevice = Sweep.tensorBytesToWrite(checkpoint, recipes.targets(), plan);
        return onDevice <= backend.availableMemory()
                ? null
                : "that takes " + (onDevice >> 20) + " MiB of the device's memory, which has "
                        + (backend.availableMemory() >> 20);
    }

    static void writeScores(
            Path folder, List<Measured> measured, WindowPlan plan, TokenizedText text, Tokenizer tokenizer)
            throws IOException {
        Protocol protocol = plan.protocols().getFirst();
        String positions = ScoreFile.positions(
                text.corpus().sha256(),
                tokenizer.sha256(),
                Integer.toString(text.tokens().length),
                protocol.kind().text(),
                Integer.toString(protocol.context()),
                Integer.toString(protocol.stride()));
        Files.createDirectories(folder);
        for (Measured one : measured) {
            new ScoreFile(positions, one.name(), one.result().scores().select(plan.scoredRows(0)))
                    .write(folder.resolve(ScoreFile.name(one.name())));
        }
    }

    static TokenizedText tokenize(Corpus corpus, Tokenizer tokenizer, Checkpoint checkpoint, int maxTokens)
            throws IOException {
        return TokenizedText.of(corpus, tokenizer, checkpoint.spec().vocabulary(), maxTokens);
    }

    static List<SweepResult.Protocol> protocols(WindowPlan plan, Tokenizer tokenizer) {
        List<SweepResult.Protocol> protocols = new ArrayList<>();
        for (int p = 0; p < plan.protocols().size(); p++) {
            Protocol protocol = plan.protocols().get(p);
            protocols.add(new SweepResult.Protocol(
                    protocol.kind().text(),
                    protocol.context(),
                    protocol.stride(),
                    plan.windowCount(p),
                    protocol.description(tokenizer.addsBos())));
        }
        return protocols;
    }

    static SweepResult.Model describe(Checkpoint checkpoint, String sha256) {
        long parameters = 0;
        long bytes = 0;
        for (Weight weight : checkpoint.weights()) {
            parameters += weight.size();
            bytes += weight.byteSize();
        }
        return new SweepResult.Model(
                checkpoint.path().toString(),
                checkpoint.container(),
                sha256,
                checkpoint.spec().architecture(),
                parameters,
                bytes,
                checkpoint.spec().layers());
    }

    static SweepResult.Text describe(TokenizedText text, Tokenizer tokenizer) {
        return new SweepResult.Text(
                text.corpus().name(), text.corpus().sha256(), text.corpus().bytes(), text.total(), tokenizer.sha256());
    }

    static String describeCalibration(SweepRequest request, Backend backend, WindowPlan plan, double overlap) {
        List<String> sources = new ArrayList<>();
        if (request.imatrix() != null) {
            sources.add("imatrix " + request.imatrix().file() + " for levels without a Hessian, gathered on "
                    + String.join(", ", request.imatrix().datasets()) + ", sha256 "
                    + request.imatrix().sha256());
        }
        if (plan != null) {
            sources.add(describe(request, backend, plan, overlap));
        }
        return sources.isEmpty() ? null : String.join("; ", sources);
    }

    private static String describe(SweepRequest request, Backend backend, WindowPlan plan, double overlap) {
        return request.calibration().name() + ", " + plan.rows() + " tokens in windows of " + plan.longestWindow()
                + " that begin with the text's own tokens (no BOS), "
                + activations(request.rows().targets())
                + moments(request, backend)
                + ", sha256 "
                + request.calibration().sha256()
                + String.format(
                        Locale.ROOT,
                        ", has %.2f %% of the evaluation text (runs of %d tokens)",
                        100 * overlap,
                        NgramOverlap.LENGTH);
    }

    private static String moments(SweepRequest request, Backend backend) {
        boolean wanted = request.rows().targets().stream()
                .anyMatch(target -> target.level().usesHessian());
        return wanted ? ", second moments in " + backend.momentsDescription() : "";
    }

    private static String activations(List<QuantizeTarget> targets) {
        List<String> sequential = targets.stream()
                .filter(target -> target.level().sequential())
                .map(QuantizeTarget::toString)
                .toList();
        return "full-precision activations"
                + (sequential.isEmpty()
                        ? ""
                        : " (those behind quantized maps for " + String.join(", ", sequential) + ")");
    }

    private static void addNotes(
            List<String> notes,
            Checkpoint checkpoint,
            SweepRequest request,
            WindowPlan plan,
            List<LevelResult> results,
            LevelStore store) {
        notes.addAll(Guards.window(plan, checkpoint));
        if (request.calibration() != null
                && request.calibration().sha256().equals(request.text().sha256())) {
            notes.add("Calibration and evaluation text are the same: calibrated levels look better than they are.");
        }
        if (request.rows().calibrated() && request.calibration() == null && request.imatrix() == null) {
            notes.add("No calibration text or imatrix was given: scale searches weigh all input channels alike.");
        }
        for (LevelResult result : results) {
            long blocks = result.stats().fallbacks - result.stats().unsampled;
            if (blocks > 0) {
                notes.add(result.name() + ": " + blocks
                        + " times the level's rule could not be followed (a scale outside fp16's range, a channel that is"
                        + " never active, damping that had to be raised).");
            }
            if (result.stats().unsampled > 0) {
                notes.add(result.name() + ": " + result.stats().unsampled
                        + " matrices of experts were sent no token of the calibration text and weigh input channels as"
                        + " the other experts do; give more --calibration-tokens.");
            }
            if (result.stats().nonfinite > 0) {
                notes.add(result.name() + ": " + result.stats().nonfinite + " weights are NaN or infinite.");
            }
        }
        if (store.spilled()) {
            notes.add("Hidden states of some levels were kept in a file (--memory).");
        }
    }
}
