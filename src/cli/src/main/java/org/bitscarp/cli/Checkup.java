package org.bitscarp.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.backend.DeviceSupport;
import org.bitscarp.cuda.cublas.CublasLibraries;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/** Looks at everything that a sweep needs or could use. */
final class Checkup {
    private Checkup() {}

    static List<Finding> run() {
        List<Finding> findings = new ArrayList<>(List.of(jdk(), vectors(), blas(), moments(), memory(), builtin()));
        findings.add(cuda());
        findings.add(cublas());
        findings.addAll(kernels());
        return findings;
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

    private static Finding moments() {
        try (CpuBackend backend =
                CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1, Optional.of(MomentPrecision.BF16))) {
            return Finding.found("moments", backend.momentsDescription());
        } catch (IllegalStateException e) {
            return Finding.absent("moments", e.getMessage(), "they are summed in fp32, at half the speed");
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

    /** The driver, and who would multiply matrices on its first device in which arithmetic. */
    private static Finding cuda() {
        GpuProbe probe = GpuProbe.run();
        if (probe.state() == GpuProbe.State.ABSENT) {
            return Finding.absent("CUDA", probe.detail(), "the CPU is used; " + probe.remedy());
        }
        if (probe.state() == GpuProbe.State.BROKEN) {
            return Finding.broken("CUDA", probe.detail(), probe.remedy());
        }
        try {
            String products = String.join("; ", products(() -> GpuDevices.open(0)));
            return Finding.found("CUDA", probe.detail() + "; matrix products, " + products);
        } catch (RuntimeException e) {
            return Finding.broken("CUDA", probe.detail() + ", but it cannot be used: " + e.getMessage(), "");
        }
    }

    /**
     * For each arithmetic, who multiplies matrices on a device and why nobody else.
     *
     * @throws RuntimeException when it does not even multiply in fp32
     */
    static List<String> products(Supplier<GpuDriver> device) {
        List<String> products = new ArrayList<>();
        for (ComputeType compute : ComputeType.values()) {
            try {
                products.add(compute.word() + ": " + product(device.get(), compute));
            } catch (GpuException e) {
                if (compute == ComputeType.FP32) {
                    throw e;
                }
                products.add(compute.word() + ": none, " + e.getMessage());
            }
        }
        return products;
    }

    private static String product(GpuDriver driver, ComputeType compute) {
        CudaBackend backend = null;
        try {
            backend = new CudaBackend(driver, driver.freeMemory(), compute, 1);
            return backend.product();
        } finally {
            if (backend == null) {
                driver.close();
            } else {
                backend.close();
            }
        }
    }

    /** Only of interest where there is a device. */
    private static Finding cublas() {
        CublasLibraries libraries = CublasLibraries.look();
        return libraries
                .found()
                .map(library -> Finding.found("cuBLAS", library.description() + ", for matrix products on a GPU"))
                .orElseGet(() -> Finding.absent(
                        "cuBLAS",
                        libraries.reason(),
                        "on a GPU, matrix products are the project's own, on tensor cores (compute capability 8.0 on)"
                                + " for --compute tf32, fp16 and bf16; libcublas 12 or 13 would take their place"));
    }

    /** What a GPU, and the emulated device, quantizes and multiplies itself. */
    private static List<Finding> kernels() {
        List<Finding> findings = new ArrayList<>();
        for (Solver solver : Solvers.ALL) {
            List<String> formats = DeviceSupport.quantized(solver);
            findings.add(Finding.found(
                    "on a GPU",
                    solver.name() + " quantizes "
                            + (formats.isEmpty()
                                    ? "on the host"
                                    : String.join(" ", formats) + "; others on the host")));
        }
        findings.add(Finding.found(
                "on a GPU",
                "levels write from packed " + String.join(" ", DeviceSupport.packed()) + "; others are decoded first"));
        return findings;
    }
}
