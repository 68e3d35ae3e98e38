package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.bitscarp.eval.SweepRows;
import org.bitscarp.eval.budget.Budget;
import org.bitscarp.eval.budget.PlanStore;
import org.bitscarp.eval.engine.LevelStore;
import org.bitscarp.eval.report.BehaviourText;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.ConsoleTable;
import org.bitscarp.eval.report.JsonReport;
import org.bitscarp.eval.report.ReportFiles;
import org.bitscarp.eval.report.StatisticsText;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.eval.report.Verdict;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.quant.Level;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bitscarp sweep}: one pass over the model for all levels, a table, a report. */
@Command(
        name = "sweep",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Measures a model at every level in one pass and shows where it falls off the cliff.",
        footer = {
            "",
            "Levels: fp32 fp16 bf16; int2 ... int8 with :gN (group, default 128) or :row, :sym or :asym (default);",
            "nf4[:gN]; ternary with :gN, :row or :tensor; GGUF's q4_0 ... q6_k, iq4_nl, tq2_0, mxfp4, ...; each with :rtn (round to nearest, default), :search or :gptq (error feedback; needs --calibration)",
            "(importance-weighted scale search). The first level is the reference that the others are compared with.",
            "",
            "Examples:",
            "  bitscarp sweep",
            "  bitscarp sweep ~/models/tiny --text wiki.test.raw --out tiny-report",
            "  bitscarp sweep ~/models/tiny --levels fp16,int4:g32,int4:g128,int4:row --max-tokens 50000",
            "  bitscarp sweep --levels fp32,int3,int3:search,int2,int2:search --calibration builtin-calibration",
            "  bitscarp sweep ~/models/tiny --task arc_easy.jsonl,piqa.jsonl --prompts prompts.txt --continuations 100",
            "  bitscarp sweep ~/models/big --memory 2g --json > results.json"
        })
final class SweepCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Spec
    private CommandSpec spec;

    @Mixin
    private MeasureOptions options;

    @Mixin
    private BehaviourOptions behaviour;

    @Mixin
    private JudgementOptions judgement;

    @Option(
            names = "--levels",
            paramLabel = "LEVELS",
            description = "Levels and mixes, comma-separated; default: fp32,fp16,bf16,int8,int4,int3,int2,ternary.")
    private String levels;

    @Option(
            names = "--budget",
            paramLabel = "SIZES",
            description =
                    "Also models whose linear maps keep within so many bits per weight, or whose GGUF files within so many"
                            + " bytes, each matrix in the type whose bits do most good, e.g. 3.0bpw,2.5bpw:search,2.6MB."
                            + " Needs --calibration.")
    private String budgets;

    @Option(
            names = "--reference",
            paramLabel = "LEVEL",
            description = "The level that all others are compared with; default: the first.")
    private String reference;

    @Option(
            names = "--out",
            defaultValue = "bitscarp-out",
            paramLabel = "DIR",
            description =
                    "Folder for report.html, report.md, results.csv, results.json and scores of all tokens, and for what lets an interrupted"
                            + " sweep go on; a finished one is added to by a command with more levels. Default: ${DEFAULT-VALUE}.")
    private Path out;

    @Option(
            names = CalibrationOptions.HESSIANS,
            paramLabel = "DIR",
            description = CalibrationOptions.HESSIANS_DESCRIPTION)
    private Path hessians;

    @Option(
            names = "--keep-every",
            defaultValue = "10",
            paramLabel = "SECONDS",
            description =
                    "Finished layers are kept in --out at most this often and for at most a twentieth of the time, and the same"
                            + " command goes on from there when it was interrupted; 0 for after every layer at any price,"
                            + " never for not at all. Default: ${DEFAULT-VALUE}.")
    private String keepEvery;

    @Option(
            names = "--fresh",
            description = "Forget what earlier runs have left in --out and measure everything again.")
    private boolean fresh;

    @Option(
            names = "--threshold",
            defaultValue = "10",
            paramLabel = "PERCENT",
            description = "Rise of perplexity over the reference that counts as fallen; default: ${DEFAULT-VALUE} %%.")
    private double threshold;

    SweepCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (!(threshold > 0 && threshold <= 1e6)) {
            throw new UsageException("--threshold " + threshold + ": expected a percentage above 0");
        }
        SweepRows rows = rows();
        SweepResult result;
        try (Measurement.Inputs inputs = Measurement.Inputs.open(options);
                SweepFolder folder = SweepFolder.lock(out)) {
            OutputFolder.prepare(out);
            if (fresh) {
                LevelStore.forget(folder);
                PlanStore.forget(folder);
            }
            result = Measurement.run(
                    inputs,
                    options,
                    rows,
                    new CliffRule(1 + threshold / 100),
                    new Measurement.Extras(
                            behaviour.tasks(),
                            behaviour.continuations(),
                            judgement.judgement(),
                            out.resolve(ReportFiles.SCORES),
                            options.calibration.checked(hessians),
                            new Keeping(folder, keepEvery())),
                    spec,
                    streams);
            ReportFiles.writeAll(result, out);
        }
        if (options.json) {
            streams.out().println(JsonReport.render(result));
        } else {
            streams.out().print(ConsoleTable.render(result, Terminal.tableStyle()));
            streams.out().println();
            streams.out().println(Verdict.of(result));
            BehaviourText.lines(result.behaviour()).forEach(streams.out()::println);
            StatisticsText.lines(result).forEach(streams.out()::println);
        }
        if (!options.quiet) {
            streams.err().println("Report: " + out.resolve(ReportFiles.HTML));
        }
        return 0;
    }

    private SweepRows rows() {
        List<Budget> limits = budgets == null ? List.of() : Level.parseList(budgets, Budget::parse);
        if (budgets != null) {
            options.calibration.requireForBudget(budgets);
        }
        SweepRows rows = new SweepRows(SweepRows.targets(levels), limits);
        return reference == null ? rows : rows.withReference(reference);
    }

    private double keepEvery() {
        try {
            double seconds = keepEvery.equals("never") ? Double.POSITIVE_INFINITY : Double.parseDouble(keepEvery);
            if (seconds >= 0) {
                return seconds;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UsageException("--keep-every " + keepEvery + ": expected seconds, 0 or more, or never");
    }
}
