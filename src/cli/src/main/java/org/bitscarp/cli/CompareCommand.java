package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import org.bitscarp.eval.CompareRequest;
import org.bitscarp.eval.CompareRunner;
import org.bitscarp.eval.Judgement;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.ConsoleTable;
import org.bitscarp.eval.report.JsonReport;
import org.bitscarp.eval.report.Ranking;
import org.bitscarp.eval.report.ReportFiles;
import org.bitscarp.eval.report.StatisticsText;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.Checkpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bitscarp compare}: files of one model, ranked by how far each is from a reference. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Ranks checkpoints of one model by divergence from a reference, perplexity and bytes, in one pass"
                + " over all of them.",
        footer = {
            "",
            "All files must have the reference's shape and tokens; containers and formats may differ. Bits per weight are",
            "those of the linear maps, bytes those of all tensors, as in the file.",
            "",
            "Examples:",
            "  bitscarp compare ~/models/tiny tiny-q4_k_m.gguf other/tiny-q4_k_m.gguf --text wiki.test.raw",
            "  bitscarp compare tiny-f16.gguf tiny-*.gguf tiny-gptq --max-tokens 50000 --out which-file",
            "  bitscarp compare ~/models/tiny tiny-q3_k_m.gguf --json > results.json"
        })
final class CompareCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "REFERENCE",
            description = "What the files are compared with: a model as below.")
    private String reference;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "FILE",
            description =
                    "Hugging Face folder (plain, GPTQ, AWQ, ...), GGUF file, llama2.c checkpoint, or a model on the"
                            + " hub as hf:owner/name[@revision][/file].")
    private List<String> files;

    @Mixin
    private TextOptions options;

    @Mixin
    private JudgementOptions judgement;

    @Option(
            names = "--out",
            defaultValue = "bitscarp-compare",
            paramLabel = "DIR",
            description = "Folder for report.html, report.md, results.csv, results.json and scores of all tokens;"
                    + " default: ${DEFAULT-VALUE}.")
    private Path out;

    CompareCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        Judgement by = judgement.judgement();
        SweepResult result;
        try (SweepFolder folder = SweepFolder.lock(out)) {
            OutputFolder.prepare(out);
            result = measure(by);
            ReportFiles.writeAll(result, out);
        }
        if (options.json) {
            streams.out().println(JsonReport.render(result));
        } else {
            streams.out().print(ConsoleTable.render(result, Terminal.tableStyle()));
            streams.out().println();
            streams.out().println("Closest to the reference first:");
            Ranking.lines(result).forEach(line -> streams.out().println("  " + line));
            StatisticsText.lines(result).forEach(streams.out()::println);
        }
        if (!options.quiet) {
            streams.err().println("Report: " + out.resolve(ReportFiles.HTML));
        }
        return 0;
    }

    private SweepResult measure(Judgement by) throws IOException {
        List<String> words = new ArrayList<>(files);
        words.addFirst(reference);
        List<String> names = FileNames.of(words);
        List<CompareRequest.File> opened = new ArrayList<>();
        Deque<Checkpoint> open = new ArrayDeque<>();
        try {
            for (int i = 0; i < words.size(); i++) {
                open.push(options.open(words.get(i)));
                opened.add(new CompareRequest.File(names.get(i), open.peek()));
            }
            return measure(opened, by);
        } finally {
            open.forEach(Checkpoint::close);
        }
    }

    private SweepResult measure(List<CompareRequest.File> opened, Judgement by) throws IOException {
        CompareRequest request = new CompareRequest(
                opened,
                options.corpora().read(options.text),
                options.maxTokens(),
                options.protocols(),
                options.memory(),
                Measurement.spillFolder(),
                by,
                out.resolve(ReportFiles.SCORES),
                Measurement.commandLine(spec));
        try (var backend = options.backend(streams.err());
                ProgressLine progress = new ProgressLine(streams.err(), Terminal.stderr(), Terminal.unicode())) {
            SweepResult result = new CompareRunner(backend, new CliffRule(), Version.text())
                    .run(request, options.quiet ? Progress.NONE : progress);
            Measurement.sayDeviceMemory(backend, options.quiet, streams);
            return result;
        }
    }
}
