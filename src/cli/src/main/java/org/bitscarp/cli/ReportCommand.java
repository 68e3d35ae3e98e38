package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import org.bitscarp.eval.report.JsonResultReader;
import org.bitscarp.eval.report.MergedReports;
import org.bitscarp.eval.report.MergedSweeps;
import org.bitscarp.eval.report.SweepResult;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitscarp report}: finished sweeps side by side. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description =
                "Merges finished sweeps of several models or machines into one report: page, Markdown, CSV, JSON, LaTeX,"
                        + " and charts as SVG and PNG files. Measures nothing.",
        footer = {
            "",
            "Sweeps must share text, protocol, context and stride. Where tokenizers differ, figures are per byte of text.",
            "",
            "Examples:",
            "  bitscarp report bitscarp-out                     LaTeX table and charts of one sweep",
            "  bitscarp report out/135m out/360m --out merged   a larger model at fewer bits against a smaller one"
        })
final class ReportCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Parameters(
            arity = "1..*",
            paramLabel = "DIR",
            description = "Folders of finished sweeps, each with a results.json.")
    private List<Path> folders;

    @Option(
            names = "--out",
            defaultValue = "bitscarp-report",
            paramLabel = "DIR",
            description = "Folder for merged.html, .md, .csv, .json, .tex and the charts; default: ${DEFAULT-VALUE}.")
    private Path out;

    @Option(names = "--no-png", description = "Draw SVG files only, on machines without fonts.")
    private boolean noPng;

    @Option(names = "--json", description = "Print merged.json on stdout.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No messages on stderr but errors.")
    private boolean quiet;

    ReportCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        // Pictures are drawn into memory: no window system is asked for.
        System.setProperty("java.awt.headless", "true");
        SequencedMap<String, SweepResult> results = new LinkedHashMap<>();
        for (Path folder : folders) {
            Path file = folder.resolve("results.json");
            if (!Files.isRegularFile(file)) {
                throw new IOException("no results.json in " + folder + "; expected the folder of a finished sweep");
            }
            if (results.put(folder.toString(), JsonResultReader.read(file)) != null) {
                throw new UsageException(folder + " was given twice");
            }
        }
        MergedSweeps merged = MergedSweeps.of(results);
        OutputFolder.prepare(out);
        boolean drawable = ModuleLayer.boot().findModule("java.desktop").isPresent();
        MergedReports.writeAll(merged, out, !noPng && drawable);
        streams.out().print(json ? MergedReports.json(merged) : MergedReports.console(merged));
        if (!quiet) {
            merged.notes().forEach(note -> streams.err().println("Note: " + note));
            if (!noPng && !drawable) {
                streams.err()
                        .println("Note: no PNG files; this Java runtime is without java.desktop, which draws them.");
            }
            streams.err().println("Report: " + out.resolve(MergedReports.HTML));
        }
        return 0;
    }
}
