package org.bitscarp.eval;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.engine.GivenImportance;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.SensitivityPart;
import org.bitscarp.eval.engine.SensitivityPass;
import org.bitscarp.eval.engine.TokenScores;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.SensitivityResult;
import org.bitscarp.eval.stats.MeanDivergence;
import org.bitscarp.eval.stats.PairedDifference;
import org.bitscarp.eval.stats.Perplexity;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.quant.Level;

/** What each part of a model costs at one level, from request to result. */
public final class SensitivityRunner {
    private final Backend backend;
    private final String version;

    /** @param version of the program, for the report */
    public SensitivityRunner(Backend backend, String version) {
        this.backend = backend;
        this.version = version;
    }

    /**
     * @param request whose only level is the one looked at, and whose first protocol counts
     * @param tensors whether single maps are looked at beside whole layers
     */
    public SensitivityResult run(Checkpoint checkpoint, SweepRequest request, boolean tensors, Progress progress)
            throws IOException {
        Instant started = Instant.now();
        Level level = request.rows().targets().getFirst().level();
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            progress.report("tokenizing " + request.text().name(), 0, 1);
            TokenizedText text = SweepRunner.tokenize(request.text(), tokenizer, checkpoint, request.maxTokens());
            WindowPlan plan = new WindowPlan(
                    text.tokens(),
                    tokenizer.bos(),
                    tokenizer.addsBos(),
                    request.protocols().subList(0, 1));
            WindowPlan calibration =
                    CalibrationWindows.of(checkpoint, tokenizer, request.calibration(), request.calibrationSize());
            double overlap = NgramOverlap.share(text.tokens(), calibration);
            List<String> notes = new ArrayList<>(Guards.text(text, tokenizer));
            notes.addAll(Guards.overlap(overlap));
            if (level.sequential()) {
                notes.add(
                        level + ": parts are quantized one by one, so its solver goes by full-precision inputs here and"
                                + " not by those of maps that are quantized already.");
            }
            SensitivityPass pass = new SensitivityPass(
                            checkpoint, request.resources(backend, progress), plan, calibration, level)
                    .goBy(GivenImportance.of(checkpoint, request.imatrix()));
            SensitivityPass.Result measured = pass.run(SensitivityPass.parts(checkpoint, tensors));
            double seconds = (Instant.now().toEpochMilli() - started.toEpochMilli()) / 1000.0;
            return new SensitivityResult(
                    version,
                    SweepRunner.describe(checkpoint, pass.modelSha256()),
                    SweepRunner.describe(text, tokenizer),
                    SweepRunner.protocols(plan, tokenizer).getFirst(),
                    backend.description(),
                    backend.computeType(),
                    level.toString(),
                    SweepRunner.describeCalibration(request, backend, calibration, overlap),
                    request.command(),
                    started.toString(),
                    seconds,
                    Perplexity.of(measured.reference().nll(), plan.scoredRows(0))
                            .value(),
                    measure(measured.all(), measured.reference(), plan),
                    parts(measured, plan),
                    notes);
        }
    }

    private static List<SensitivityResult.Part> parts(SensitivityPass.Result measured, WindowPlan plan) {
        List<SensitivityResult.Part> parts = new ArrayList<>();
        int layer = -1;
        for (SensitivityPass.Cost cost : measured.costs()) {
            SensitivityPart part = cost.part();
            // The first part of a layer is the whole of it.
            boolean whole = part.layer() != layer;
            layer = part.layer();
            parts.add(new SensitivityResult.Part(
                    part.layer(),
                    whole
                            ? SensitivityResult.WHOLE_LAYER
                            : part.roles().iterator().next().name().toLowerCase(Locale.ROOT),
                    cost.weights(),
                    cost.bytes(),
                    measure(cost.alone(), measured.reference(), plan),
                    measure(cost.without(), measured.reference(), plan)));
        }
        return parts;
    }

    private static SensitivityResult.Measure measure(TokenScores scores, TokenScores reference, WindowPlan plan) {
        int[] rows = plan.scoredRows(0);
        MeanDivergence divergence = MeanDivergence.of(scores.kld(), scores.sameTop1(), rows);
        PairedDifference difference = PairedDifference.of(scores.nll(), reference.nll(), rows, plan.scoredWindows(0));
        return new SensitivityResult.Measure(divergence.mean(), divergence.stderr(), difference.mean(), new double[] {
            difference.low(), difference.high()
        });
    }
}
