package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.bitscarp.eval.SensitivityRunner;
import org.bitscarp.eval.SweepRows;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.quantize.QuantizeTarget;
import org.bitscarp.eval.report.SensitivityReports;
import org.bitscarp.eval.report.SensitivityResult;
import org.bitscarp.quant.Level;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bitscarp sensitivity}: which parts of a model a level hurts most. */
@Command(
        name = "sensitivity",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description =
                "Measures what quantizing each layer and each linear map costs, each alone and all but each, in one"
                        + " pass.",
        footer = {
            "",
            "The cost grows with the square of the number of layers; --max-tokens (default: 8 windows) keeps it small.",
            "",
            "Examples:",
            "  bitscarp sensitivity",
            "  bitscarp sensitivity ~/models/tiny --level int2:g64 --text wiki.test.raw",
            "  bitscarp sensitivity ~/models/tiny --level q3_k:gptq --calibration builtin-calibration --by layer"
        })
final class SensitivityCommand implements Callable<Integer> {
    /** Windows that are measured unless --max-tokens says more. */
    private static final int WINDOWS = 8;

    private static final int SHOWN = 15;

    private final Commands.Streams streams;

    @Spec
    private CommandSpec spec;

    @Mixin
    private MeasureOptions options;

    @Option(
            names = "--level",
            defaultValue = "int3",
            paramLabel = "LEVEL",
            description = "Level that parts are quantized to; default: ${DEFAULT-VALUE}.")
    private String level;

    @Option(
            names = "--by",
            defaultValue = "tensor",
            paramLabel = "PART",
            description = "tensor (every linear map, and every layer as a whole) or layer; default: ${DEFAULT-VALUE}.")
    private By by;

    /** What a part is. */
    enum By {
        tensor,
        layer
    }

    @Option(
            names = "--out",
            defaultValue = "bitscarp-out",
            paramLabel = "DIR",
            description = "Folder for sensitivity.html, .md, .csv and .json; default: ${DEFAULT-VALUE}.")
    private Path out;

    SensitivityCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (options.maxTokens == Integer.MAX_VALUE) {
            options.maxTokens = Math.multiplyExact(WINDOWS, options.context);
        }
        SweepRows rows = new SweepRows(List.of(new QuantizeTarget(Level.parse(level), null)));
        SensitivityResult result;
        try (Measurement.Inputs inputs = Measurement.Inputs.open(options);
                var backend = options.backend(streams.err());
                ProgressLine progress = new ProgressLine(streams.err(), Terminal.stderr(), Terminal.unicode())) {
            OutputFolder.prepare(out);
            result = new SensitivityRunner(backend, Version.text())
                    .run(
                            inputs.checkpoint(),
                            Measurement.request(inputs, options, rows, Measurement.Extras.NONE, spec),
                            by == By.tensor,
                            options.quiet ? Progress.NONE : progress);
        }
        SensitivityReports.writeAll(result, out);
        streams.out().print(options.json ? SensitivityReports.json(result) : SensitivityReports.console(result, SHOWN));
        if (!options.quiet) {
            streams.err().println("Report: " + out.resolve(SensitivityReports.HTML));
        }
        return 0;
    }
}
