package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.export.GgufConvert;
import org.bitscarp.model.export.GgufModel;
import org.bitscarp.model.export.GptqConvert;
import org.bitscarp.model.export.GptqSummary;
import org.bitscarp.model.export.HuggingFaceConvert;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code bitscarp convert}: another container, the same weights. */
@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Writes a model into another container without rounding any weight.",
        footer = {
            "",
            "Into a GGUF file goes any model whose matrices are stored in types that GGUF has; what would have to be",
            "quantized anew is refused (use quantize). A GGUF file or a llama2.c checkpoint becomes a Hugging Face folder",
            "with its tokenizer. A GPTQ folder is rewritten in the other version of its layout, and folders of AWQ and",
            "compressed-tensors in either. A folder packed by any method becomes one of plain numbers with --dequantize.",
            "",
            "Examples:",
            "  bitscarp convert ~/models/tiny --out tiny.gguf",
            "  bitscarp convert stories260K.bin --out stories260K.gguf",
            "  bitscarp convert tiny.gguf --out tiny-folder",
            "  bitscarp convert ~/models/tiny-awq --out tiny-gptq --gptq-format v2",
            "  bitscarp convert ~/models/tiny-nf4 --out tiny-plain --dequantize"
        })
final class ConvertCommand implements Callable<Integer> {
    private static final String PROGRAM = "bitscarp " + Version.text();

    private final Commands.Streams streams;

    @Parameters(paramLabel = "MODEL", description = ModelArgument.DESCRIPTION)
    private String model;

    @Option(names = "--out", required = true, paramLabel = "PATH", description = "FILE.gguf, or a new folder.")
    private Path out;

    @Option(names = "--gptq-format", paramLabel = "VERSION", description = "v1 or v2: write a GPTQ folder.")
    private QuantizeCommand.GptqFormat gptqFormat;

    @Option(
            names = "--dequantize",
            description =
                    "Write weights of block types or packed maps into a folder as the fp32 values that they stand for.")
    private boolean dequantize;

    @Option(names = "--force", description = "Replace a file that exists.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No progress.")
    private boolean quiet;

    ConvertCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        boolean gguf = out.toString().endsWith(".gguf");
        if (gguf && gptqFormat != null) {
            throw new UsageException("--out " + out + ": expected a folder, since --gptq-format is given");
        }
        if (dequantize && (gguf || gptqFormat != null)) {
            throw new UsageException("--dequantize: only for a Hugging Face folder of plain numbers; found --out " + out
                    + (gguf ? "" : " with --gptq-format"));
        }
        Path source = ModelArgument.resolve(model, streams, quiet);
        long bytes = gguf ? toGguf(source) : gptqFormat != null ? toGptq(source) : toFolder(source);
        if (json) {
            ObjectNode root = JsonMapper.shared().createObjectNode();
            root.put("source", source.toString());
            root.put("path", out.toString());
            root.put("bytes", bytes);
            streams.out().println(root.toPrettyString());
        } else {
            streams.out().println(String.format(Locale.ROOT, "%s: %,d bytes", out, bytes));
        }
        return 0;
    }

    private long toGguf(Path source) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(source)) {
            GgufModel converted = GgufModel.of(checkpoint);
            if (!quiet) {
                converted.notes().forEach(note -> streams.err().println("Note: " + note));
            }
            return GgufConvert.convert(converted, out, force, PROGRAM);
        }
    }

    private long toFolder(Path source) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(source)) {
            return HuggingFaceConvert.convert(checkpoint, out, dequantize);
        }
    }

    private long toGptq(Path source) throws IOException {
        GptqSummary summary = GptqConvert.convert(source, out, gptqFormat.ordinal() + 1, PROGRAM);
        if (summary.wrapped() > 0 && !quiet) {
            streams.err()
                    .println("Note: " + summary.wrapped() + " zero points are 0, which version 1 stores as the largest"
                            + " code; some kernels read that wrongly.");
        }
        return summary.bytes();
    }
}
