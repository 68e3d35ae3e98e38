package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpora;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.CalibrationFolder;
import org.bitscarp.eval.CalibrationWindows;
import org.bitscarp.eval.budget.Budget;
import org.bitscarp.eval.budget.BudgetPlanner;
import org.bitscarp.eval.engine.GivenImportance;
import org.bitscarp.eval.engine.KeptHessians;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.engine.SeenImportance;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.quantize.GgufQuantizer;
import org.bitscarp.eval.quantize.GptqQuantizer;
import org.bitscarp.eval.quantize.QuantizeSummary;
import org.bitscarp.eval.quantize.QuantizeTarget;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitscarp quantize}: a model at one level, as a file that other programs load. */
@Command(
        name = "quantize",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description =
                "Writes a model at one level as a GGUF file or a folder of GPTQ safetensors: the bytes that a sweep"
                        + " scores at that level.",
        footer = {
            "",
            "A level names what the linear maps of the layers become; embedding and output projection stay in their own",
            "type, at most 16 bits. A mix is llama.cpp's recipe, with other types for some tensors: q2_k_s, q3_k_s,",
            "q3_k_m, q3_k_l, q4_k_s, q4_k_m, q5_k_s, q5_k_m, mxfp4_moe; where a mix is called like a block type, write",
            "llama.cpp:q2_k, llama.cpp:q4_0, ... A solver may stand behind either.",
            "",
            "Examples:",
            "  bitscarp quantize --to q4_k_m --out prose-q4_k_m.gguf",
            "  bitscarp quantize ~/models/tiny --to q4_k:gptq --calibration wikitext2-train --out tiny.gguf",
            "  bitscarp quantize ~/models/tiny --to q4_k:awq:gptq --calibration c4 --out tiny-awq.gguf",
            "  bitscarp quantize ~/models/tiny --to llama.cpp:q2_k --out tiny-q2_k.gguf",
            "  bitscarp quantize ~/models/tiny --budget 3.0bpw --calibration wikitext2-train --out tiny-3.gguf",
            "  bitscarp quantize ~/models/tiny --budget 80MB --calibration wikitext2-train --out tiny-80mb.gguf",
            "  bitscarp quantize ~/models/tiny --to q6_k --pure --out tiny-q6_k.gguf",
            "  bitscarp quantize ~/models/tiny --to int4:g128:gptq --calibration c4 --out tiny-gptq --gptq-format v2",
            "  bitscarp quantize hf:HuggingFaceTB/SmolLM2-135M --to bf16 --out smollm2.gguf --json"
        })
final class QuantizeCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = ModelArgument.DESCRIPTION)
    private String model;

    @ArgGroup(multiplicity = "1")
    private Goal goal;

    /** What the file is to be. */
    static final class Goal {
        @Option(
                names = "--to",
                paramLabel = "LEVEL",
                description = "Level or mix, e.g. q4_k_m, q4_k, q3_k:gptq, iq4_xs:search, bf16.")
        private String level;

        @Option(
                names = "--budget",
                paramLabel = "SIZE",
                description =
                        "Bits per weight of all linear maps together, e.g. 3.0bpw or 2.75bpw:search, or the size of the"
                                + " whole file, e.g. 2.6MB, 4GB (powers of 1000) or 4GiB (of 1024): each map, and in a file"
                                + " of limited size each table, gets the format whose bits do most good, by measured"
                                + " sensitivity. Needs --calibration.")
        private String budget;
    }

    @Option(names = "--out", required = true, paramLabel = "PATH", description = "FILE.gguf, or a new folder for GPTQ.")
    private Path out;

    @Option(names = "--force", description = "Replace a file that exists.")
    private boolean force;

    @Option(
            names = "--gptq-format",
            defaultValue = "v1",
            paramLabel = "VERSION",
            description = "v1 (read by every program) or v2 (also zero points of 0); default: ${DEFAULT-VALUE}.")
    private GptqFormat gptqFormat;

    @Option(names = "--pure", description = "One type for all matrices, embedding and output projection included.")
    private boolean pure;

    @Option(
            names = "--token-embedding-type",
            paramLabel = "TYPE",
            description = "Type of the token embedding, which is the output projection too where the two are tied.")
    private String embeddingType;

    @Option(names = "--output-type", paramLabel = "TYPE", description = "Type of the output projection.")
    private String outputType;

    @Mixin
    private CalibrationOptions calibration;

    @Option(
            names = CalibrationOptions.HESSIANS,
            paramLabel = "DIR",
            description = CalibrationOptions.HESSIANS_DESCRIPTION)
    private Path hessians;

    @Option(
            names = "--save-imatrix",
            paramLabel = "FILE",
            description = "Also write what the calibration text tells of the inputs, as llama.cpp's importance matrix.")
    private Path saveImatrix;

    @Mixin
    private ComputeOptions compute;

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No progress.")
    private boolean quiet;

    /** Version of GPTQ's layout. */
    enum GptqFormat {
        V1,
        V2
    }

    QuantizeCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        Budget budget = goal.budget == null ? null : Budget.parse(goal.budget);
        QuantizeTarget target = goal.budget == null ? QuantizeTarget.parse(goal.level) : null;
        if (budget != null) {
            calibration.requireForBudget(goal.budget);
        }
        if (budget != null && pure) {
            throw new UsageException("--pure and --budget contradict each other; leave one out");
        }
        calibration.checked(hessians);
        if (budget != null && hessians != null) {
            throw new UsageException("--hessians and --budget: planning takes part of the calibration text for itself;"
                    + " leave --hessians out");
        }
        if (saveImatrix != null && calibration.text == null) {
            throw new UsageException("--save-imatrix " + saveImatrix + ": importances are gathered on calibration"
                    + " text; give --calibration builtin-calibration, a file or a data set");
        }
        if (saveImatrix != null && !force && Files.exists(saveImatrix)) {
            throw new UsageException(
                    "--save-imatrix " + saveImatrix + ": exists already; name another file or give" + " --force");
        }
        GgufQuantizer.Types types = new GgufQuantizer.Types(pure, type(embeddingType), type(outputType));
        boolean gguf = out.toString().endsWith(".gguf");
        if (!gguf && (budget != null || target.mix() != null || pure || embeddingType != null || outputType != null)) {
            throw new UsageException(
                    "--out " + out + ": budgets, mixes, --pure and types of tables are for GGUF files; expected a"
                            + " name that ends with .gguf");
        }
        boolean rounded = budget == null
                && calibration.text == null
                && target.level().transform().identity();
        try (Checkpoint checkpoint = Checkpoints.open(ModelArgument.resolve(model, streams, quiet));
                Backend backend = compute.backend(streams.err(), quiet, !rounded);
                ProgressLine line = new ProgressLine(streams.err(), Terminal.stderr(), Terminal.unicode())) {
            Progress progress = quiet ? Progress.NONE : line;
            QuantizeSummary summary = budget != null
                    ? quantize(checkpoint, backend, budget, types, progress)
                    : quantize(checkpoint, backend, target, types, progress);
            line.close();
            Measurement.sayDeviceMemory(backend, quiet, streams);
            print(target, summary);
        }
        return 0;
    }

    private QuantizeSummary quantize(
            Checkpoint checkpoint, Backend backend, QuantizeTarget target, GgufQuantizer.Types types, Progress progress)
            throws IOException {
        WindowPlan windows = windows(checkpoint, target);
        try (KeptHessians kept = kept(checkpoint, backend, windows)) {
            return quantize(checkpoint, backend, target, types, windows, kept, progress);
        }
    }

    private KeptHessians kept(Checkpoint checkpoint, Backend backend, WindowPlan windows) throws IOException {
        if (hessians == null || windows == null) {
            return null;
        }
        Corpus text = calibration.read(TextOptions.corpora(streams, quiet));
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            return CalibrationFolder.open(hessians, backend, checkpoint, tokenizer, text, windows);
        }
    }

    private QuantizeSummary quantize(
            Checkpoint checkpoint,
            Backend backend,
            QuantizeTarget target,
            GgufQuantizer.Types types,
            WindowPlan windows,
            KeptHessians kept,
            Progress progress)
            throws IOException {
        GgufQuantizer.Means means = means(
                backend,
                progress,
                windows,
                GivenImportance.of(checkpoint, calibration.imatrix()).with(kept));
        QuantizeSummary summary = out.toString().endsWith(".gguf")
                ? new GgufQuantizer(means).run(checkpoint, target, types, out, force)
                : new GptqQuantizer(means).run(checkpoint, target.level(), gptqFormat.ordinal() + 1, out);
        save(means);
        return summary;
    }

    private QuantizeSummary quantize(
            Checkpoint checkpoint, Backend backend, Budget budget, GgufQuantizer.Types types, Progress progress)
            throws IOException {
        Corpus text = calibration.read(TextOptions.corpora(streams, quiet));
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            BudgetPlanner.Windows windows =
                    CalibrationWindows.forBudget(checkpoint, tokenizer, text, calibration.size());
            GgufQuantizer.Means means = means(backend, progress, windows.calibration(), GivenImportance.NONE);
            QuantizeSummary summary = new GgufQuantizer(means).run(checkpoint, budget, windows, types, out, force);
            save(means);
            return summary;
        }
    }

    private void save(GgufQuantizer.Means means) throws IOException {
        if (saveImatrix != null) {
            means.seen()
                    .imatrix(saveImatrix, calibration.text, means.calibration())
                    .write(force);
        }
    }

    private GgufQuantizer.Means means(Backend backend, Progress progress, WindowPlan windows, GivenImportance given) {
        return new GgufQuantizer.Means(
                windows,
                given,
                saveImatrix == null ? null : new SeenImportance(),
                new Resources(backend, compute.memory(), Measurement.spillFolder(), progress),
                "bitscarp " + Version.text());
    }

    /** Calibration windows where the level makes use of them; tokenizing takes its time otherwise. */
    private WindowPlan windows(Checkpoint checkpoint, QuantizeTarget target) throws IOException {
        if (calibration.text == null || saveImatrix == null && !target.level().calibrated()) {
            return null;
        }
        Corpora corpora = TextOptions.corpora(streams, quiet);
        Corpus text = calibration.read(corpora);
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            return CalibrationWindows.of(checkpoint, tokenizer, text, calibration.size());
        }
    }

    private static Optional<BlockFormat> type(String name) {
        return Optional.ofNullable(name).map(word -> Level.parse(word).format());
    }

    private void print(QuantizeTarget target, QuantizeSummary summary) {
        if (json) {
            streams.out().println(QuantizeText.tree(summary).toPrettyString());
        } else {
            QuantizeText.lines(summary).forEach(streams.out()::println);
        }
        if (quiet) {
            return;
        }
        summary.notes().forEach(note -> streams.err().println("Note: " + note));
        if (target != null && target.shadowsMix() && !pure) {
            String word = target.level().format().name();
            streams.err()
                    .println("Note: " + word
                            + " is the block type for all linear maps, as a sweep scores it; llama.cpp's"
                            + " mix of that name is " + QuantizeTarget.MIX_PREFIX + word + ".");
        }
    }
}
