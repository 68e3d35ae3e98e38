package org.bitscarp.eval;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.engine.ComparePass;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.MapFormats;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.Ranking;
import org.bitscarp.eval.report.Statistics;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;

/** Checkpoints of one model against a reference, from request to result: a sweep whose levels are files. */
public final class CompareRunner {
    /** What reports have in the place of a solver: a file does not say who chose its codes. */
    private static final String STORED = "stored";

    private final Backend backend;
    private final CliffRule cliffRule;
    private final String version;

    /** @param version of the program, for the report */
    public CompareRunner(Backend backend, CliffRule cliffRule, String version) {
        this.backend = backend;
        this.cliffRule = cliffRule;
        this.version = version;
    }

    /** @throws IllegalArgumentException when files are not of one model, or do not have the same tokens */
    public SweepResult run(CompareRequest request, Progress progress) throws IOException {
        Instant started = Instant.now();
        CompareRequest.File reference = request.files().getFirst();
        Checkpoint checkpoint = reference.checkpoint();
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            progress.report("tokenizing " + request.text().name(), 0, 1);
            TokenizedText text = SweepRunner.tokenize(request.text(), tokenizer, checkpoint, request.maxTokens());
            WindowPlan plan = new WindowPlan(text.tokens(), tokenizer.bos(), tokenizer.addsBos(), request.protocols());
            ComparePass pass = new ComparePass(
                    request.files().stream()
                            .map(CompareRequest.File::checkpoint)
                            .toList(),
                    request.resources(backend, progress),
                    plan,
                    request.judgement().noise());
            SameTokens same = new SameTokens(tokenizer, text, reference.name());
            for (CompareRequest.File file :
                    request.files().subList(1, request.files().size())) {
                same.check(file, request.maxTokens());
            }
            List<Measured> measured = measured(request.files(), pass.run());
            progress.report("resampling", 1, 1);
            Assessment assessment = new Assessment(measured, pass.noiseFloor(), plan, request.judgement());
            List<SweepResult.Row> rows = ofFiles(assessment.rows(text), request.files(), pass.modelSha256());
            Statistics statistics = assessment.statistics(rows);
            SweepRunner.writeScores(request.scoresFolder(), measured, plan, text, tokenizer);
            List<String> notes = new ArrayList<>(Guards.text(text, tokenizer));
            notes.addAll(Guards.window(plan, checkpoint));
            notes.addAll(Guards.scores(rows, checkpoint.spec().vocabulary()));
            notes.addAll(Ranking.beaten(rows, statistics));
            if (pass.spilled()) {
                notes.add("Hidden states of some files were kept in a file (--memory).");
            }
            notes.addAll(origins(rows));
            return new SweepResult(
                    version,
                    SweepRunner.describe(checkpoint, pass.modelSha256().getFirst()),
                    SweepRunner.describe(text, tokenizer),
                    SweepRunner.protocols(plan, tokenizer),
                    backend.description(),
                    backend.computeType(),
                    null,
                    request.command(),
                    started.toString(),
                    Duration.between(started, Instant.now()).toMillis() / 1000.0,
                    rows,
                    cliffRule.find(rows),
                    SweepResult.Behaviour.NONE,
                    statistics,
                    notes);
        }
    }

    private static List<Measured> measured(List<CompareRequest.File> files, List<LevelResult> results) {
        List<Measured> measured = new ArrayList<>();
        for (int f = 0; f < results.size(); f++) {
            Checkpoint checkpoint = files.get(f).checkpoint();
            measured.add(new Measured(
                    results.get(f),
                    files.get(f).name(),
                    MapFormats.words(
                            checkpoint,
                            (role, layer) ->
                                    checkpoint.weight(role, layer).orElseThrow().formatName()),
                    STORED,
                    checkpoint.parameters()));
        }
        return measured;
    }

    /** Where each file is and what is in it: names alone do not tell files apart. */
    private static List<SweepResult.Row> ofFiles(
            List<SweepResult.Row> rows, List<CompareRequest.File> files, List<String> sha256) {
        Map<String, SweepResult.File> origins = new LinkedHashMap<>();
        for (int f = 0; f < files.size(); f++) {
            Checkpoint checkpoint = files.get(f).checkpoint();
            origins.put(
                    files.get(f).name(),
                    new SweepResult.File(checkpoint.path().toString(), checkpoint.container(), sha256.get(f)));
        }
        return rows.stream().map(row -> row.of(origins.get(row.level()))).toList();
    }

    private static List<String> origins(List<SweepResult.Row> rows) {
        return rows.stream()
                .map(row -> row.level() + " is " + row.file().path() + ", "
                        + row.file().container() + ", sha256 of its weights "
                        + row.file().sha256() + ".")
                .toList();
    }
}
