package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.bitscarp.cuda.cublas.Cublas;
import org.bitscarp.cuda.cublas.CublasLibraries;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.gptq.ColumnPlan;

/**
 * Times the kernels that decide how fast a sweep is, each beside what it could reach: the bandwidth of a copy on the same
 * device for what reads packed weights once, cuBLAS (else our dense kernel) for what is bound by arithmetic. Results are
 * compared with sums in double first.
 */
public final class KernelBenchmark {
    private static final String[] FORMATS = {"int4", "q4_k", "q2_k"};
    /** Rows of a result that are compared; every output of each. */
    private static final int CHECKED = 2;
    /** Rows of Hessians that an update takes at a time, as in a sweep. */
    private static final int PANEL = 512;

    private static final double UNIT = 0x1p-23;
    /** Two operands rounded to bf16, 2⁻⁹ each. */
    private static final double BF16 = 0x1p-8;

    /** Of the bandwidth of a copy. */
    private static final double AIM_VECTOR = 0.8;
    /** Of cuBLAS in bf16, with few rows: it reads four times the bytes of 4-bit weights. */
    private static final double AIM_FEW = 3;
    /** Of cuBLAS in bf16, with many rows. */
    private static final double AIM_MANY = 0.6;
    /** Of cuBLAS in fp32. */
    private static final double AIM_HESSIAN = 0.7;

    private final BenchmarkBed bed;
    private final BenchmarkSizes sizes;
    private final Consumer<BenchmarkLine> sink;
    private final Optional<Cublas> cublas;
    private final String reference;
    /** Bytes a millisecond, read and written. */
    private double bandwidth;

    private KernelBenchmark(BenchmarkBed bed, BenchmarkSizes sizes, Consumer<BenchmarkLine> sink) {
        this.bed = bed;
        this.sizes = sizes;
        this.sink = sink;
        cublas = bed.driver.name().equals("cuda") ? CublasLibraries.look().found() : Optional.empty();
        reference = cublas.isPresent() ? "cuBLAS" : "our dense kernel";
    }

    /**
     * Measures everything. Nothing else should run on the device.
     *
     * @param driver stays open
     * @param cap bytes of device memory that may be taken
     * @param sink gets each line when it is there
     */
    public static List<BenchmarkLine> run(
            GpuDriver driver, long cap, BenchmarkSizes sizes, Consumer<BenchmarkLine> sink) {
        List<BenchmarkLine> lines = new ArrayList<>();
        try (BenchmarkBed bed = new BenchmarkBed(driver, cap, sizes)) {
            KernelBenchmark benchmark = new KernelBenchmark(bed, sizes, lines::add);
            Consumer<Runnable> step = work -> {
                int before = lines.size();
                work.run();
                lines.subList(before, lines.size()).forEach(sink);
                bed.clear();
            };
            step.accept(benchmark::copy);
            for (String format : FORMATS) {
                for (int[] shape : sizes.weights()) {
                    step.accept(() -> benchmark.packed(format, shape[0], shape[1]));
                }
            }
            step.accept(new LogitBenchmark(bed, sizes.logits(), benchmark.cublas, lines::add)::run);
            step.accept(benchmark::hessian);
            step.accept(benchmark::columnLoop);
        }
        return lines;
    }

    private void copy() {
        long bytes = sizes.copied();
        while (!bed.fits(2 * bytes + (8 << 10)) && bytes > 1 << 16) {
            bytes /= 2;
        }
        DeviceTensor source = bed.bytes(bytes);
        DeviceTensor target = bed.bytes(bytes);
        long copied = bytes;
        double time = bed.median(
                turn -> bed.driver.copyOnDevice(target.address(), source.address(), copied, bed.lane.stream));
        bandwidth = 2.0 * bytes / time;
        String note = String.format(java.util.Locale.ROOT, "%.0f GB/s read and written", bandwidth / 1e6);
        sink.accept(new BenchmarkLine("copy", bytes + " bytes", time, Double.NaN, "", Double.NaN, note));
    }

    /** Products with an n × k matrix from its packed bytes: one row, few rows, many rows. */
    private void packed(String words, int n, int k) {
        PackedMatrix rows = bed.rows(Level.parse(words).format(), k);
        long rowBytes = rows.format().rowBytes(k);
        int copies = (int) Math.max(1, Math.ceilDiv(sizes.cache(), n * rowBytes));
        int most = sizes.many();
        // Packed copies; dense bf16 and its slab; inputs in fp32 and bf16; outputs.
        long need = copies * n * rowBytes + 4L * n * k + 8L * most * k + 4L * most * n;
        if (!bed.fits(need)) {
            sink.accept(BenchmarkLine.leftOut(words, n + " × " + k, "needs " + (need >> 20) + " MiB of device memory"));
            return;
        }
        List<PackedProduct.Weights> weights = new ArrayList<>();
        PackedFormat format = PackedFormat.of(rows.format(), k).orElseThrow();
        DeviceTensor first = bed.repeat(rows, n);
        for (int copy = 0; copy < copies; copy++) {
            weights.add(new PackedProduct.Weights(format, copy == 0 ? first : bed.copy(first), rowBytes, n, k));
        }
        DeviceTensor x = bed.random(most, k);
        PackedProduct product = new PackedProduct(bed.launcher, DenseType.BF16);
        double bytes = n * rowBytes + 4.0 * k + 4.0 * n;
        line("matvec " + words, 1, product, weights, x, rows, bytes / bandwidth, "copy bandwidth", AIM_VECTOR);
        if (bed.driver.device().computeCapability() < TensorCores.CAPABILITY) {
            sink.accept(BenchmarkLine.leftOut("matmul " + words, n + " × " + k, "needs compute capability 8.0"));
            return;
        }
        DenseReference dense = new DenseReference(x, weights.getFirst());
        for (int m : sizes.few()) {
            line("matmul " + words, m, product, weights, x, rows, dense.time(m), reference + " bf16", AIM_FEW);
        }
        line("matmul " + words, most, product, weights, x, rows, dense.time(most), reference + " bf16", AIM_MANY);
    }

    private void line(
            String kernel,
            int m,
            PackedProduct product,
            List<PackedProduct.Weights> weights,
            DeviceTensor x,
            PackedMatrix rows,
            double floor,
            String against,
            double aim) {
        int n = weights.getFirst().rows();
        DeviceTensor y = bed.tensor(m, n);
        double time =
                bed.median(turn -> product.multiply(bed.lane, x.slice(0, m), weights.get(turn % weights.size()), y));
        boolean exact = product.exact(m, weights.getFirst().format(), x.columns());
        double error = error(exact, x, rows, y);
        // The project's own dense kernel is no measure.
        boolean measure = bed.driver.name().equals("cuda") && (aim == AIM_VECTOR || cublas.isPresent());
        sink.accept(new BenchmarkLine(kernel, m + " × " + n + " × " + x.columns(), time, floor, against, error, "")
                .withAim(measure ? aim : Double.NaN));
    }

    /** The greatest error of the first rows of y as a part of its tolerance. */
    private double error(boolean exact, DeviceTensor x, PackedMatrix packed, DeviceTensor y) {
        int k = x.columns();
        int count = Math.min(CHECKED, y.rows());
        float[] inputs = bed.values(x.slice(0, count));
        float[] found = bed.values(y.slice(0, count));
        double tolerance = (k + 1) * UNIT + (exact ? 0 : BF16);
        double worst = 0;
        float[] w = new float[k];
        for (int row = 0; row < BenchmarkBed.DISTINCT; row++) {
            packed.decodeRow(row, w);
            for (int i = 0; i < count; i++) {
                double expected = 0;
                double magnitude = 0;
                for (int p = 0; p < k; p++) {
                    double term = (double) inputs[i * k + p] * w[p];
                    expected += term;
                    magnitude += Math.abs(term);
                }
                for (int j = row; j < y.columns(); j += BenchmarkBed.DISTINCT) {
                    double part = Math.abs(found[i * y.columns() + j] - expected) / (tolerance * magnitude);
                    // A result that is not a number is as wrong as can be.
                    worst = Math.max(worst, Double.isNaN(part) ? Double.POSITIVE_INFINITY : part);
                }
            }
        }
        return worst;
    }

    /** The product of the same decoded weights in bf16: cuBLAS's where there is one. */
    private final class DenseReference {
        private final TensorCores cores = new TensorCores(bed.launcher, bed.launcher.multiprocessors());
        private final TensorCores.Operand x;
        private final TensorCores.Operand w;
        private final DeviceTensor y;

        DenseReference(DeviceTensor inputs, PackedProduct.Weights packed) {
            int k = packed.columns();
            DeviceTensor rounded = bed.bytes(TensorCores.convertedBytes(DenseType.BF16, inputs.rows(), k));
            x = cores.convert(bed.lane, inputs, DenseType.BF16, rounded.address());
            DeviceTensor dense = bed.bytes(TensorCores.convertedBytes(DenseType.BF16, packed.rows(), k));
            new PackedKernels(bed.launcher).decode(bed.lane, packed, 0, packed.rows(), DenseType.BF16, dense.address());
            w = new TensorCores.Operand(
                    dense.address(), (long) k * DenseType.BF16.bytes, packed.rows(), DenseType.BF16.chunks(k));
            y = bed.tensor(inputs.rows(), packed.rows());
        }

        /** Milliseconds with the first {@code m} rows of the inputs. */
        double time(int m) {
            TensorCores.Operand some = new TensorCores.Operand(x.address(), x.stride(), m, x.chunks());
            int n = w.rows();
            if (cublas.isEmpty()) {
                return bed.median(turn -> cores.multiply(bed.lane, DenseType.BF16, some, w, y.slice(0, m), n, false));
            }
            int k = (int) (w.stride() / DenseType.BF16.bytes);
            bed.driver.makeCurrent();
            try (Cublas.Handle handle = cublas.get().open(bed.lane.stream)) {
                Cublas.Product product = new Cublas.Product(
                        n,
                        m,
                        k,
                        Cublas.Matrix.transpose(w.address(), k),
                        Cublas.Matrix.plain(x.address(), k),
                        0,
                        Cublas.Matrix.plain(y.address(), n),
                        Cublas.Storage.BF16,
                        Cublas.Arithmetic.FP32);
                return bed.median(turn -> handle.multiply(product));
            }
        }
    }

    /** H += XᵀX from the diagonal on, panel by panel, by each product that can. */
    private void hessian() {
        int rows = sizes.hessian()[0];
        int n = sizes.hessian()[1];
        String shape = rows + " × " + n + " × " + n + ", half";
        // Inputs, sums, and both parts of split inputs.
        long need = 12L * rows * n + 4L * n * n;
        if (!bed.fits(need)) {
            sink.accept(
                    BenchmarkLine.leftOut("Hessian update", shape, "needs " + (need >> 20) + " MiB of device memory"));
            return;
        }
        DeviceTensor x = bed.random(rows, n);
        DeviceTensor sums = bed.tensor(n, n);
        double floor = Double.NaN;
        if (cublas.isPresent()) {
            try (MatrixProduct product = new CublasProduct(bed.queue(), cublas.get(), ComputeType.FP32)) {
                floor = update(product, x, sums);
            }
            sink.accept(new BenchmarkLine("Hessian update, cuBLAS fp32", shape, floor, Double.NaN, "", Double.NaN, ""));
        }
        String against = cublas.isPresent() ? "cuBLAS fp32" : "";
        double aim = cublas.isPresent() ? AIM_HESSIAN : Double.NaN;
        try (MatrixProduct product = new OwnProduct(bed.launcher, "")) {
            double time = update(product, x, sums);
            sink.accept(new BenchmarkLine("Hessian update, fp32", shape, time, floor, against, Double.NaN, "")
                    .withAim(aim));
        }
        if (bed.driver.device().computeCapability() >= TensorCores.CAPABILITY) {
            try (MatrixProduct product = new TensorProduct(bed.launcher, DenseType.TF32, "")) {
                double time = update(product, x, sums);
                sink.accept(new BenchmarkLine("Hessian update, 3×TF32", shape, time, floor, against, Double.NaN, "")
                        .withAim(aim));
            }
        }
    }

    private double update(MatrixProduct product, DeviceTensor x, DeviceTensor sums) {
        return bed.median(turn -> {
            for (int first = 0; first < x.columns(); first += PANEL) {
                product.addOuterProducts(bed.lane, x, first, Math.min(PANEL, x.columns() - first), sums);
            }
        });
    }

    /** GPTQ's loop over the columns of a square matrix, against a dense product in fp32 of as many operations. */
    private void columnLoop() {
        int n = sizes.gptq();
        String shape = n + " × " + n;
        GroupedInt format = (GroupedInt) Level.parse("int4").format();
        long need = 13L * n * n + IntRows.gridBytes(format, n, n) + 4L * n * ColumnPlan.BATCH;
        if (!bed.fits(need)) {
            sink.accept(BenchmarkLine.leftOut(
                    "GPTQ column loop, int4", shape, "needs " + (need >> 20) + " MiB of device memory"));
            return;
        }
        DeviceTensor weights = bed.random(n, n);
        DeviceTensor work = bed.tensor(n, n);
        DeviceTensor upper = bed.tensor(n, n);
        for (int i = 0; i < n; i++) {
            bed.lane.upload(
                    MemorySegment.ofArray(new float[] {1}), upper.from(i, i).address());
        }
        IntRows rows = new IntRows(
                format,
                n,
                n,
                bed.bytes(IntRows.gridBytes(format, n, n)).address(),
                bed.bytes((long) n * n).address(),
                bed.tensor(1, 4).address());
        GptqKernels.Work loopWork = new GptqKernels.Work(
                work.address(), bed.tensor(n, ColumnPlan.BATCH).address());
        CudaMoments.Factor factor = new CudaMoments.Factor(upper, null, null);
        GptqKernels loop = new GptqKernels(bed.launcher);
        LoopBlocks blocks = new IntBlocks(bed.launcher, rows, IntBlocks.Rule.PUBLISHED);
        double time = bed.median(turn -> loop.run(bed.lane, weights, blocks, factor, loopWork));
        // The loop takes n³ operations, half of a whole product.
        DeviceTensor half = weights.reshape(Math.max(1, n / 2), n);
        double floor;
        try (MatrixProduct product = cublas.isPresent()
                ? new CublasProduct(bed.queue(), cublas.get(), ComputeType.FP32)
                : new OwnProduct(bed.launcher, "")) {
            DeviceTensor y = work.reshape(half.rows(), n);
            floor = bed.median(turn -> product.multiply(bed.lane, half, upper, y));
        }
        sink.accept(new BenchmarkLine(
                "GPTQ column loop, int4", shape, time, floor, reference + " fp32, as many operations", Double.NaN, ""));
    }
}
