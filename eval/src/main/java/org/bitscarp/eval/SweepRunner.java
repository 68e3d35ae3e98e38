package org.bitscarp.eval;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.LevelStore;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Sweep;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.stats.MeanDivergence;
import org.bitscarp.eval.stats.PairedDifference;
import org.bitscarp.eval.stats.Perplexity;
import org.bitscarp.eval.task.TaskSequences;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.Level;

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
            WindowPlan calibration = CalibrationWindows.of(
                    checkpoint,
                    tokenizer,
                    request.calibration(),
                    request.calibrationTokens(),
                    request.protocols().getFirst().context());
            ContinuationPlan asked = asked(request, text, tokenizer);
            String obstacle = asked == null ? null : obstacle(checkpoint, request, asked);
            boolean writes = asked != null
                    && (obstacle == null || request.continuations().demanded());
            Fingerprint fingerprint = SweepFingerprint.of(version, backend, checkpoint, tokenizer, request, writes);
            if (LevelStore.differsOnlyIn(
                    SweepFingerprint.WRITES, request.keeping().folder(), fingerprint)) {
                writes = !writes;
                fingerprint.with(SweepFingerprint.WRITES, writes);
            }
            ContinuationPlan writing = writes ? asked : null;
            LevelStore store = new LevelStore(request.keeping().folder());
            store.open(fingerprint, progress);
            List<Level> missing = store.missing(request.levels());
            if (!missing.isEmpty()) {
                Sweep sweep = new Sweep(
                                checkpoint,
                                backend,
                                plan,
                                calibration,
                                missing,
                                request.memoryBudget(),
                                request.spillFolder(),
                                progress)
                        .keepIn(request.keeping(), LevelStore.of(fingerprint, missing))
                        .letWrite(writing);
                store.add(sweep, sweep.run(), fingerprint);
            }
            List<LevelResult> results = store.results(request.levels());
            addNotes(notes, checkpoint, request, plan, results, store);
            if (asked != null && !writes) {
                notes.add("Levels wrote no continuations" + (obstacle == null ? "" : ": " + obstacle)
                        + "; ask for them with --continuations.");
            }
            List<SweepResult.Row> rows = rows(results, plan, text, checkpoint);
            return new SweepResult(
                    version,
                    describe(checkpoint, store.modelSha256()),
                    describe(text, tokenizer),
                    protocols(plan, tokenizer),
                    backend.description(),
                    backend.computeType(),
                    describeCalibration(request, calibration),
                    request.command(),
                    started.toString(),
                    store.seconds(),
                    rows,
                    rows.size() < 2 ? null : cliffRule.find(rows),
                    new SweepResult.Behaviour(
                            TaskScores.of(tasks, plan, results),
                            writing == null
                                    ? null
                                    : new ContinuationTexts(writing, tokenizer)
                                            .of(results, store.written(request.levels()))),
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
    private String obstacle(Checkpoint checkpoint, SweepRequest request, ContinuationPlan plan) {
        long bytes = Sweep.bytesToWrite(checkpoint, request.levels(), plan);
        if (bytes > request.memoryBudget() / 2) {
            return "that takes " + (bytes >> 20) + " MiB beside the sweep, more than half of --memory";
        }
        long onDevice = Sweep.tensorBytesToWrite(checkpoint, request.levels(), plan);
        return onDevice <= backend.availableMemory()
                ? null
                : "that takes " + (onDevice >> 20) + " MiB of the device's memory, which has "
                        + (backend.availableMemory() >> 20);
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

    static String describeCalibration(SweepRequest request, WindowPlan plan) {
        return plan == null
                ? null
                : request.calibration().name() + ", " + plan.rows() + " tokens in windows of " + plan.longestWindow()
                        + ", full-precision activations, sha256 "
                        + request.calibration().sha256();
    }

    private static void addNotes(
            List<String> notes,
            Checkpoint checkpoint,
            SweepRequest request,
            WindowPlan plan,
            List<LevelResult> results,
            LevelStore store) {
        int trained = checkpoint.spec().maxPositions();
        if (plan.longestWindow() > trained) {
            notes.add("Windows of " + plan.longestWindow() + " tokens exceed the " + trained
                    + " positions that the model was made for; perplexities are worse than they need to be.");
        }
        if (request.calibration() != null
                && request.calibration().sha256().equals(request.text().sha256())) {
            notes.add("Calibration and evaluation text are the same: calibrated levels look better than they are.");
        }
        boolean calibrated = request.levels().stream().anyMatch(Level::calibrated);
        if (calibrated && request.calibration() == null) {
            notes.add("No calibration text was given: scale searches weigh all input channels alike.");
        }
        for (LevelResult result : results) {
            long blocks = result.stats().fallbacks - result.stats().unsampled;
            if (blocks > 0) {
                notes.add(result.level() + ": " + blocks
                        + " times the level's rule could not be followed (a scale outside fp16's range, a channel that is"
                        + " never active, damping that had to be raised).");
            }
            if (result.stats().unsampled > 0) {
                notes.add(result.level() + ": " + result.stats().unsampled
                        + " matrices of experts were sent no token of the calibration text and weigh input channels as"
                        + " the other experts do; give more --calibration-tokens.");
            }
            if (result.stats().nonfinite > 0) {
                notes.add(result.level() + ": " + result.stats().nonfinite + " weights are NaN or infinite.");
            }
        }
        if (store.spilled()) {
            notes.add("Hidden states of some levels were kept in a file (--memory).");
        }
    }

    private List<SweepResult.Row> rows(
            List<LevelResult> results, WindowPlan plan, TokenizedText text, Checkpoint checkpoint) {
        long parameters = checkpoint.parameters();
        LevelResult reference = results.getFirst();
        List<SweepResult.Row> rows = new ArrayList<>();
        for (LevelResult result : results) {
            List<SweepResult.Score> scores = new ArrayList<>();
            for (int p = 0; p < plan.protocols().size(); p++) {
                scores.add(score(result, reference, plan, p, text));
            }
            MeanDivergence divergence =
                    MeanDivergence.of(result.scores().kld(), result.scores().sameTop1(), plan.scoredRows(0));
            long nonfinite = nonfinite(result, plan);
            rows.add(new SweepResult.Row(
                    result.level().toString(),
                    result.level().format().name(),
                    result.level().solver().name(),
                    result == reference,
                    result.bitsPerWeight(),
                    8.0 * result.modelBytes() / parameters,
                    result.modelBytes(),
                    scores,
                    new SweepResult.Divergence(divergence.mean(), divergence.stderr(), divergence.sameTop1()),
                    result.stats().relativeError(),
                    result.layerErrors(),
                    result.seconds(),
                    result.stats().fallbacks,
                    nonfinite));
        }
        rows.sort(Comparator.comparingDouble(SweepResult.Row::bitsPerWeight).reversed());
        return rows;
    }

    /** Scored positions, of any protocol, whose likelihood or divergence is NaN or infinite. */
    private static long nonfinite(LevelResult result, WindowPlan plan) {
        long count = 0;
        for (WindowPlan.Unit unit : plan.units()) {
            for (int scored : unit.scored()) {
                int row = unit.firstRow() + scored;
                boolean sound = Double.isFinite(result.scores().nll()[row])
                        && Double.isFinite(result.scores().kld()[row]);
                count += sound ? 0 : 1;
            }
        }
        return count;
    }

    private static SweepResult.Score score(
            LevelResult result, LevelResult reference, WindowPlan plan, int protocol, TokenizedText text) {
        int[] scored = plan.scoredRows(protocol);
        Perplexity perplexity = Perplexity.of(result.scores().nll(), scored);
        double referencePerplexity =
                Perplexity.of(reference.scores().nll(), scored).value();
        PairedDifference difference = PairedDifference.of(
                result.scores().nll(), reference.scores().nll(), scored, plan.scoredWindows(protocol));
        double nats = perplexity.nllSum() / perplexity.count();
        return new SweepResult.Score(
                plan.protocols().get(protocol).kind().text(),
                perplexity.value(),
                perplexity.stderr(),
                perplexity.nllSum(),
                perplexity.count(),
                nats / Math.log(2) * text.tokensPerByte(),
                difference.perplexity(referencePerplexity),
                difference.perplexityInterval(referencePerplexity),
                difference.tied());
    }
}
