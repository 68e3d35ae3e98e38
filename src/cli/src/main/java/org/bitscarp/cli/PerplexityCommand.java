package org.bitscarp.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bitscarp.eval.SweepRows;
import org.bitscarp.eval.quantize.QuantizeTarget;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.JsonReport;
import org.bitscarp.eval.report.SweepResult;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bitscarp perplexity}: one level, the same engine. */
@Command(
        name = "perplexity",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Measures the perplexity of one model at one level.",
        footer = {
            "",
            "Examples:",
            "  bitscarp perplexity",
            "  bitscarp perplexity ~/models/tiny --text wiki.test.raw --protocol llama.cpp",
            "  bitscarp perplexity ~/models/tiny --text wiki.test.raw --level int4:g64:asym --context 2048",
            "  bitscarp perplexity ~/models/tiny --protocol sliding --context 1024 --stride 512 --json"
        })
final class PerplexityCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Spec
    private CommandSpec spec;

    @Mixin
    private MeasureOptions options;

    @Option(
            names = "--level",
            defaultValue = "fp32",
            paramLabel = "LEVEL",
            description =
                    "Level or mix to quantize to on the way in; default: ${DEFAULT-VALUE}, the weights as they are.")
    private String level;

    PerplexityCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        SweepRows rows = new SweepRows(List.of(QuantizeTarget.parse(level)));
        SweepResult result;
        try (Measurement.Inputs inputs = Measurement.Inputs.open(options)) {
            result = Measurement.run(inputs, options, rows, new CliffRule(), Measurement.Extras.NONE, spec, streams);
        }
        if (options.json) {
            streams.out().println(JsonReport.render(result));
        } else {
            print(result);
        }
        return 0;
    }

    /** At fp32 nothing is quantized: what counts is the size that the checkpoint's weights have. */
    private static boolean asStored(SweepResult.Row row) {
        return row.level().equals("fp32");
    }

    /** Tokens through the model under the protocol with the most of them; others share its windows or run their own. */
    private static double tokens(SweepResult result) {
        return result.protocols().stream()
                .mapToDouble(p -> (double) p.windows() * p.context())
                .max()
                .orElse(0);
    }

    private void print(SweepResult result) {
        SweepResult.Row row = result.rows().getFirst();
        for (int p = 0; p < result.protocols().size(); p++) {
            SweepResult.Score score = row.scores().get(p);
            SweepResult.Protocol protocol = result.protocols().get(p);
            streams.out()
                    .println(String.format(
                            Locale.ROOT,
                            "%-10s perplexity %.4f ± %.4f, %.4f bits per byte, %d tokens scored in %d windows of %d",
                            protocol.name(),
                            score.perplexity(),
                            score.stderr(),
                            score.bitsPerByte(),
                            score.tokensScored(),
                            protocol.windows(),
                            protocol.context()));
        }
        streams.out()
                .println(String.format(
                        Locale.ROOT,
                        "%s %s, %.3f bits per weight, on %s (%d tokens), %s, %s, %.1f s, %.0f tokens/s",
                        result.model().path(),
                        asStored(row) ? "as stored" : "at " + row.level(),
                        asStored(row)
                                ? 8.0 * result.model().bytes() / result.model().parameters()
                                : row.bitsPerWeight(),
                        result.text().name(),
                        result.text().tokens(),
                        result.device(),
                        result.compute(),
                        result.seconds(),
                        tokens(result) / row.seconds()));
        result.notes().forEach(note -> streams.err().println("Note: " + note));
        if (row.nonfinite() > 0) {
            streams.err().println("Note: " + row.nonfinite() + " scores are NaN or infinite and are in no sum.");
        }
    }
}
