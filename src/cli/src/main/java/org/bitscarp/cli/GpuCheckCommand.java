package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.bitscarp.compute.check.BackendCheck;
import org.bitscarp.cuda.backend.BenchmarkLine;
import org.bitscarp.cuda.backend.BenchmarkSizes;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.backend.KernelBenchmark;
import org.bitscarp.cuda.driver.DeviceLost;
import org.bitscarp.cuda.driver.GpuDriver;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bitscarp gpu-check}: whether a GPU computes what the CPU computes, and how fast. */
@Command(
        name = "gpu-check",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Compares every operation on a GPU with its scalar specification and perplexities with the CPU's,"
                + " then times the kernels. Exit status 1 where a result is wrong; times are never a failure.",
        footer = {
            "",
            "Examples:",
            "  bitscarp gpu-check                                    the first NVIDIA GPU",
            "  bitscarp gpu-check --only contract,perplexity --json",
            "  bitscarp gpu-check --only bench --full /scratch       and a whole model of 7 billion weights",
            "  bitscarp gpu-check --only contract --vram 4g          as on a device of 4 GiB",
            "  bitscarp gpu-check --device emulated --only bench     launch code without a GPU; times say nothing"
        })
final class GpuCheckCommand implements Callable<Integer> {
    /** The three parts, in their order. */
    enum Part {
        CONTRACT,
        PERPLEXITY,
        BENCH
    }

    /** Tokens on the emulated device, which interprets every instruction. */
    private static final int EMULATED_TOKENS = 32;

    private final Commands.Streams streams;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description =
                    "Model whose perplexities are compared; default: the built-in one, against recorded figures of"
                            + " the CPU. For any other the CPU runs too.")
    private String model;

    @Option(
            names = "--device",
            defaultValue = "cuda",
            paramLabel = "NAME",
            description = "cuda, cuda:N or emulated; default: ${DEFAULT-VALUE}.")
    private String device;

    @Option(
            names = "--only",
            split = ",",
            paramLabel = "PART",
            description = "Parts to run: contract, perplexity, bench; default: all.")
    private Part[] only = Part.values();

    @Option(
            names = "--levels",
            split = ",",
            paramLabel = "LEVEL",
            description = "Levels whose perplexities are compared; default: ${DEFAULT-VALUE}.")
    private String[] levels = {"fp32", "int8", "int4", "nf4", "q4_k", "q2_k"};

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            description = "Compare perplexities on the first N tokens of the built-in text; default: all, "
                    + EMULATED_TOKENS + " on the emulated device.")
    private Integer maxTokens;

    @Option(
            names = "--vram",
            paramLabel = "SIZE",
            description = "Device memory to take at most, e.g. 4g; default: what is free.")
    private String vram;

    @Option(
            names = "--full",
            paramLabel = "FOLDER",
            description =
                    "Also time scoring and 4-bit error feedback of a model of Llama 2 7B's shape with random weights,"
                            + " which is made there (20 GB), against their aims, and run both again with --vram 4g. On"
                            + " the emulated device a tiny one.")
    private Path full;

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No progress on stderr.")
    private boolean quiet;

    GpuCheckCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        Set<Part> parts = EnumSet.copyOf(Arrays.asList(only));
        boolean emulated = device.equals("emulated");
        String described;
        try (GpuDriver driver = open()) {
            described = driver.name() + ", " + driver.device().describe();
        }
        List<BackendCheck.Outcome> contract = parts.contains(Part.CONTRACT) ? contract() : List.of();
        Integer tokens = maxTokens == null && emulated ? Integer.valueOf(EMULATED_TOKENS) : maxTokens;
        List<PerplexityCheck.Row> perplexities = parts.contains(Part.PERPLEXITY)
                ? new PerplexityCheck(model, tokens, vram, streams, this::say).run(device, List.of(levels))
                : List.of();
        List<BenchmarkLine> bench = new ArrayList<>(parts.contains(Part.BENCH) ? bench(emulated) : List.of());
        if (full != null) {
            WholeModelBenchmark.Size size =
                    emulated ? WholeModelBenchmark.Size.TINY : WholeModelBenchmark.Size.LLAMA_2_7B;
            bench.addAll(new WholeModelBenchmark(full, size, streams, this::say).run(device, vram));
        }
        GpuCheckReport report = new GpuCheckReport(described, !emulated, contract, perplexities, bench);
        streams.out().println(json ? report.json() : report.text());
        return report.passed() ? 0 : 1;
    }

    private GpuDriver open() {
        return ComputeOptions.open(device, "", "prove the kernels on the CPU with --device emulated");
    }

    private void say(String what) {
        if (!quiet) {
            streams.err().println(what);
        }
    }

    private List<BackendCheck.Outcome> contract() {
        say("Operations against their specification ...");
        List<BackendCheck.Outcome> outcomes = new ArrayList<>();
        GpuDriver driver = open();
        try (CudaBackend backend = new CudaBackend(driver, ComputeOptions.cap(driver, vram), ComputeType.FP32, 1)) {
            for (BackendCheck.Operation operation : BackendCheck.operations()) {
                BackendCheck.Outcome outcome;
                try {
                    outcome = BackendCheck.run(backend, operation);
                } catch (DeviceLost e) {
                    throw e;
                } catch (RuntimeException e) {
                    outcome = new BackendCheck.Outcome(operation, Double.NaN, String.valueOf(e.getMessage()));
                }
                outcomes.add(outcome);
                if (!outcome.passed()) {
                    say("  " + operation + ": " + outcome.fault());
                }
            }
        }
        return outcomes;
    }

    private List<BenchmarkLine> bench(boolean emulated) {
        say("Kernels ...");
        try (GpuDriver driver = open()) {
            return KernelBenchmark.run(
                    driver,
                    vram == null ? driver.freeMemory() : ComputeOptions.cap(driver, vram),
                    emulated ? BenchmarkSizes.TINY : BenchmarkSizes.FULL,
                    line -> say("  " + line.kernel() + " " + line.shape()));
        }
    }
}
