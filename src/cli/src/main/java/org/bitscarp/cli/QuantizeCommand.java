package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpora;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.CalibrationWindows;
import org.bitscarp.eval.engine.Progress;
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
            "  bitscarp quantize ~/models/tiny --to llama.cpp:q2_k --out tiny-q2_k.gguf",
            "  bitscarp quantize ~/models/tiny --to q6_k --pure --out tiny-q6_k.gguf",
            "  bitscarp quantize ~/models/tiny --to int4:g128:gptq --calibration c4 --out tiny-gptq --gptq-format v2",
            "  bitscarp quantize hf:HuggingFaceTB/SmolLM2-135M --to bf16 --out smollm2.gguf --json"
        })
final class QuantizeCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = ModelArgument.DESCRIPTION)
    private String model;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "LEVEL",
            description = "Level or mix, e.g. q4_k_m, q4_k, q3_k:gptq, iq4_xs:search, bf16.")
    private String to;

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
            names = "--context",
            defaultValue = "512",
            paramLabel = "N",
            description = "Tokens in a window of the calibration text; default: ${DEFAULT-VALUE}.")
    private int context;

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
        QuantizeTarget target = QuantizeTarget.parse(to);
        GgufQuantizer.Types types = new GgufQuantizer.Types(pure, type(embeddingType), type(outputType));
        boolean gguf = out.toString().endsWith(".gguf");
        if (!gguf && (target.mix() != null || pure || embeddingType != null || outputType != null)) {
            throw new UsageException(
                    "--out " + out + ": mixes, --pure and types of tables are for GGUF files; expected a"
                            + " name that ends with .gguf");
        }
        if (context < 1) {
            throw new UsageException("--context " + context + ": expected at least 1");
        }
        try (Checkpoint checkpoint = Checkpoints.open(ModelArgument.resolve(model, streams, quiet));
                Backend backend = compute.backend(streams.err(), quiet);
                ProgressLine line = new ProgressLine(streams.err(), Terminal.stderr(), Terminal.unicode())) {
            Progress progress = quiet ? Progress.NONE : line;
            GgufQuantizer.Means means = new GgufQuantizer.Means(
                    windows(checkpoint, target),
                    compute.memory(),
                    Path.of(System.getProperty("java.io.tmpdir")),
                    "bitscarp " + Version.text());
            QuantizeSummary summary = gguf
                    ? new GgufQuantizer(backend, means, progress).run(checkpoint, target, types, out, force)
                    : new GptqQuantizer(backend, means, progress)
                            .run(checkpoint, target.level(), gptqFormat.ordinal() + 1, out);
            line.close();
            print(target, summary);
        }
        return 0;
    }

    /** Calibration windows where the solver makes use of them; tokenizing takes its time otherwise. */
    private WindowPlan windows(Checkpoint checkpoint, QuantizeTarget target) throws IOException {
        if (calibration.text == null || !target.solver().calibrated()) {
            return null;
        }
        Corpora corpora = MeasureOptions.corpora(streams, quiet);
        Corpus text = calibration.read(corpora);
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            return CalibrationWindows.of(checkpoint, tokenizer, text, calibration.tokens(), context);
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
        if (target.shadowsMix() && !pure) {
            String word = target.level().format().name();
            streams.err()
                    .println("Note: " + word
                            + " is the block type for all linear maps, as a sweep scores it; llama.cpp's"
                            + " mix of that name is " + QuantizeTarget.MIX_PREFIX + word + ".");
        }
    }
}
