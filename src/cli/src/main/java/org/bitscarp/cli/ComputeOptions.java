package org.bitscarp.cli;

import java.io.PrintStream;
import org.bitscarp.compute.CpuBackend;
import picocli.CommandLine.Option;

/** What a command that computes may use of the machine. */
final class ComputeOptions {
    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description =
                    "Memory for weights and activations outside the Java heap, e.g. 512m or 8g; hidden states beyond"
                            + " it go to a temporary file. Default: half of the machine's free memory.")
    String memory;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads; default: all processors. Does not change results.")
    int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--device",
            defaultValue = "auto",
            paramLabel = "NAME",
            description = "auto or cpu; default: ${DEFAULT-VALUE}. This version computes on the CPU.")
    String device;

    @Option(
            names = "--matmul",
            defaultValue = "auto",
            paramLabel = "NAME",
            description =
                    "Matrix product: auto, openblas or java; default: ${DEFAULT-VALUE} (OpenBLAS where it loads).")
    CpuBackend.MatrixProduct matmul;

    /** The backend asked for; says on {@code err} when it is not the preferred one. */
    CpuBackend backend(PrintStream err) {
        if (!device.equals("auto") && !device.equals("cpu")) {
            throw new UsageException("--device " + device + ": this version computes on the CPU only; use auto or cpu");
        }
        if (threads < 1 || threads > 1024) {
            throw new UsageException("--threads " + threads + ": expected 1 to 1024");
        }
        CpuBackend backend = CpuBackend.create(matmul, threads);
        if (!backend.fallbackReason().isEmpty()) {
            err.println("bitscarp: " + backend.fallbackReason() + "; using the Java matrix product");
        }
        return backend;
    }

    long memory() {
        return memory == null ? MemorySize.defaultBudget() : MemorySize.parse(memory);
    }
}
