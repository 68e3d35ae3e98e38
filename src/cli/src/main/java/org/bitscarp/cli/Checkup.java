package org.bitscarp.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.cublas.CublasLibraries;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Tokenizer;

/** Looks at everything that a sweep needs or could use. */
final class Checkup {
    private Checkup() {}

    static List<Finding> run() {
        return List.of(jdk(), vectors(), blas(), memory(), builtin(), cuda(), cublas());
    }

    private static Finding jdk() {
        String detail =
                System.getProperty("java.vm.name") + " " + Runtime.version() + " at " + System.getProperty("java.home");
        return Runtime.version().feature() >= 25
                ? Finding.found("JDK", detail)
                : Finding.broken("JDK", detail, "install a JDK 25 or later, e.g. Eclipse Temurin");
    }

    private static Finding vectors() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Finding.broken(
                    "Vector API", "module not enabled", "start java with --add-modules jdk.incubator.vector");
        }
        int bits = CpuBackend.vectorBits();
        return bits >= 128
                ? Finding.found("Vector API", bits + "-bit vectors")
                : Finding.absent("Vector API", bits + "-bit vectors only", "results are right but slow");
    }

    private static Finding blas() {
        try (CpuBackend backend = CpuBackend.create(CpuBackend.MatrixProduct.OPENBLAS, 1)) {
            return Finding.found("BLAS", backend.description().replaceFirst("cpu, 1 thread, ", ""));
        } catch (IllegalStateException e) {
            return Finding.absent(
                    "BLAS", e.getMessage(), "the Java matrix product is used; OpenBLAS comes with linux-x86_64 only");
        }
    }

    private static Finding memory() {
        Runtime runtime = Runtime.getRuntime();
        long mib = 1L << 20;
        String heap = "Java heap up to " + runtime.maxMemory() / mib + " MiB";
        if (ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system) {
            return Finding.found(
                    "memory",
                    String.format(
                            Locale.ROOT,
                            "%d MiB, %d MiB free, %s, %d processors",
                            system.getTotalMemorySize() / mib,
                            system.getFreeMemorySize() / mib,
                            heap,
                            runtime.availableProcessors()));
        }
        return Finding.found("memory", heap);
    }

    private static Finding builtin() {
        try (Checkpoint checkpoint = Checkpoints.open(Home.builtinModel());
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            int tokens = tokenizer.encode("How few bits can it live on?", false).length;
            return Finding.found(
                    "built-in", checkpoint.path() + ", tokenizer works (" + tokens + " tokens for one question)");
        } catch (IOException | RuntimeException | LinkageError e) {
            return Finding.broken("built-in", e.toString(), "install the whole distribution");
        }
    }

    /** The driver, and who would multiply matrices on its first device. */
    private static Finding cuda() {
        GpuProbe probe = GpuProbe.run();
        if (probe.state() == GpuProbe.State.ABSENT) {
            return Finding.absent("CUDA", probe.detail(), "the CPU is used; " + probe.remedy());
        }
        if (probe.state() == GpuProbe.State.BROKEN) {
            return Finding.broken("CUDA", probe.detail(), probe.remedy());
        }
        try (CudaBackend backend = new CudaBackend(GpuDevices.open(0), Long.MAX_VALUE, ComputeType.FP32, 1)) {
            return Finding.found("CUDA", probe.detail() + "; " + backend.description());
        } catch (RuntimeException e) {
            return Finding.broken("CUDA", probe.detail() + ", but it cannot be used: " + e.getMessage(), "");
        }
    }

    /** Only of interest where there is a device. */
    private static Finding cublas() {
        CublasLibraries libraries = CublasLibraries.look();
        return libraries
                .found()
                .map(library -> Finding.found("cuBLAS", library.description()))
                .orElseGet(() -> Finding.absent(
                        "cuBLAS",
                        libraries.reason(),
                        "on a GPU, matrix products in fp32 are the project's own; other --compute types need libcublas 12"
                                + " or 13"));
    }
}
