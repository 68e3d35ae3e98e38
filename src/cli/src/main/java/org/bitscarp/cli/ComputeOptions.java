package org.bitscarp.cli;

import java.io.PrintStream;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.driver.GpuDriver;
import picocli.CommandLine.Option;

/** What a command that computes may use of the machine, and in which arithmetic. */
final class ComputeOptions {
    /** Device memory that libraries and the driver may want for themselves: workspaces of cuBLAS, code of kernels. */
    private static final long RESERVE = 512L << 20;

    private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description =
                    "Memory for weights and activations outside the Java heap, e.g. 512m or 8g; hidden states beyond"
                            + " it go to a temporary file. Default: half of the machine's free memory.")
    private String memory;

    @Option(
            names = "--device",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "auto (a GPU where there is one), cpu, cuda or cuda:N (an NVIDIA GPU), emulated (the GPU path"
                    + " interpreted on the CPU: a slow proof for small models); default: ${DEFAULT-VALUE}.")
    private String device;

    @Option(
            names = "--compute",
            defaultValue = "fp32",
            paramLabel = "TYPE",
            description = "Arithmetic of matrix products on a GPU: fp32, tf32, fp16 or bf16, sums always in fp32;"
                    + " default: ${DEFAULT-VALUE}. The CPU computes in fp32.")
    private ComputeType compute;

    @Option(
            names = "--vram",
            paramLabel = "SIZE",
            description = "Device memory to take at most, e.g. 4g; default: what is free. Layers pass through it one"
                    + " after the other, so models may be larger.")
    private String vram;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads; default: all processors. Does not change results.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--matmul",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "Matrix product of the CPU: auto, openblas or java; default: ${DEFAULT-VALUE} (OpenBLAS where"
                    + " it loads).")
    private CpuBackend.MatrixProduct matmul;

    @Option(
            names = "--moments",
            defaultValue = "auto",
            paramLabel = "TYPE",
            description = "Arithmetic of the sums of x·xᵀ over calibration tokens, for gptq and awq: bf16 (inputs"
                    + " rounded, sums in fp32; twice as fast where the CPU has the instruction), fp32, or compensated"
                    + " (fp32 products, sums with twice the digits); default: ${DEFAULT-VALUE}, which is bf16 on a CPU"
                    + " that has it and fp32 elsewhere.")
    private String moments;

    /** The backend asked for; says on {@code err} what was picked, and when it is not the preferred one. */
    Backend backend(PrintStream err, boolean quiet) {
        return backend(err, quiet, true);
    }

    /**
     * The same.
     *
     * @param products whether matrices will be multiplied; else libraries for that are loaded only where they are asked for
     *     by name
     */
    Backend backend(PrintStream err, boolean quiet, boolean products) {
        if (threads < 1 || threads > 1024) {
            throw new UsageException("--threads " + threads + ": expected 1 to 1024");
        }
        return switch (device) {
            case "auto" -> automatic(err, quiet, products);
            case "cpu" -> cpu("--device cpu", err, products);
            default -> gpu(open(device, "auto, cpu, ", "use --device cpu"));
        };
    }

    /**
     * Opens the device of {@code --device}: {@code cuda}, {@code cuda:N} or {@code emulated}.
     *
     * @param others words that the command understands beside these, for messages
     * @param instead what to do where there is no GPU and none is to be had
     */
    static GpuDriver open(String device, String others, String instead) {
        if (device.equals("emulated")) {
            return GpuDevices.emulated();
        }
        Matcher cuda = CUDA.matcher(device);
        if (!cuda.matches()) {
            throw new UsageException("--device " + device + ": expected " + others + "cuda, cuda:N or emulated");
        }
        int number = cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1));
        GpuProbe probe = GpuProbe.run();
        if (probe.state() != GpuProbe.State.FOUND) {
            throw new IllegalStateException(
                    "--device " + device + ": " + probe.detail() + "; " + probe.remedy() + ", or " + instead);
        }
        if (number >= probe.devices()) {
            throw new UsageException("--device " + device + ": there is " + probe.detail() + ", numbered from 0");
        }
        return GpuDevices.open(number);
    }

    private Backend automatic(PrintStream err, boolean quiet, boolean products) {
        GpuProbe probe = GpuProbe.run();
        if (probe.state() == GpuProbe.State.BROKEN) {
            throw new IllegalStateException(
                    "--device auto: " + probe.detail() + "; " + probe.remedy() + ", or use --device cpu");
        }
        boolean found = probe.state() == GpuProbe.State.FOUND;
        if (!quiet) {
            err.println("Device: " + (found ? "cuda:0, " : "cpu, ") + probe.detail());
        }
        return found ? gpu(GpuDevices.open(0)) : cpu("--device auto: " + probe.detail(), err, products);
    }

    /** @param why it is the CPU, for what the CPU does not do */
    private CpuBackend cpu(String why, PrintStream err, boolean products) {
        if (vram != null) {
            throw new UsageException("--vram: the CPU has no memory of its own (" + why + "); see --memory");
        }
        if (compute != ComputeType.FP32) {
            throw new UsageException("--compute " + compute.word() + ": the CPU computes in fp32 (" + why + ")");
        }
        boolean unused = !products && matmul == CpuBackend.MatrixProduct.AUTO;
        CpuBackend backend = CpuBackend.create(unused ? CpuBackend.MatrixProduct.JAVA : matmul, threads, moments());
        if (!backend.fallbackReason().isEmpty()) {
            err.println("bitscarp: " + backend.fallbackReason() + "; using the Java matrix product");
        }
        return backend;
    }

    /** Empty for the preferred ones of a device. */
    private Optional<MomentPrecision> moments() {
        if (moments.equals("auto")) {
            return Optional.empty();
        }
        for (MomentPrecision precision : MomentPrecision.values()) {
            if (precision.word().equals(moments)) {
                return Optional.of(precision);
            }
        }
        throw new UsageException("--moments " + moments + ": expected auto, " + MomentPrecision.words());
    }

    private Backend gpu(GpuDriver driver) {
        boolean done = false;
        try {
            MomentPrecision precision = moments().orElse(MomentPrecision.FP32);
            if (precision == MomentPrecision.BF16) {
                throw new UsageException("--moments bf16: for CPUs that have it; a GPU sums moments in fp32");
            }
            Backend backend = new CudaBackend(driver, cap(driver, vram), compute, threads, precision);
            done = true;
            return backend;
        } finally {
            if (!done) {
                driver.close();
            }
        }
    }

    /**
     * Bytes of device memory that may be taken.
     *
     * @param vram as the user wrote it; null for all that is free but what libraries and the driver may want
     */
    static long cap(GpuDriver driver, String vram) {
        long free = driver.freeMemory();
        return vram == null ? Math.max(free - RESERVE, free / 2) : Math.min(free, MemorySize.parse("--vram", vram));
    }

    long memory() {
        return memory == null ? MemorySize.defaultBudget() : MemorySize.parse("--memory", memory);
    }
}
