package org.bitscarp.cuda.backend;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.bitscarp.compute.LogitScorer;
import org.bitscarp.compute.Scores;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.compute.TopTokens;
import org.bitscarp.cuda.cublas.Cublas;

/**
 * A level's logits that are scored where they are multiplied, against logits by the best product there is and kernels that
 * read them; results on the host, as a sweep takes them. What decides whether {@link CublasProduct#scoring} is right.
 */
final class LogitBenchmark {
    private static final double UNIT = 0x1p-23;

    private final BenchmarkBed bed;
    private final Optional<Cublas> cublas;
    private final Consumer<BenchmarkLine> sink;
    private final int rows;
    private final int vocabulary;
    private final int hidden;

    LogitBenchmark(BenchmarkBed bed, int[] sizes, Optional<Cublas> cublas, Consumer<BenchmarkLine> sink) {
        this.bed = bed;
        this.cublas = cublas;
        this.sink = sink;
        rows = sizes[0];
        vocabulary = sizes[1];
        hidden = sizes[2];
    }

    void run() {
        // States, projection, both again rounded, and matrices of logits: three, and what each scorer keeps.
        long need = 4L * (2L * hidden * (rows + vocabulary) + 5L * rows * vocabulary);
        if (!bed.fits(need)) {
            sink.accept(BenchmarkLine.leftOut(
                    "logits to scores", shape(), "needs " + (need >> 20) + " MiB of device memory"));
            return;
        }
        DeviceTensor x = bed.random(rows, hidden);
        DeviceTensor head = bed.random(vocabulary, hidden);
        Logits logits =
                new Logits(bed.tensor(rows, vocabulary), bed.tensor(rows, vocabulary), bed.tensor(rows, vocabulary));
        boolean cores = bed.driver.device().computeCapability() >= TensorCores.CAPABILITY;
        for (ComputeType type : cores ? List.of(ComputeType.FP32, ComputeType.BF16) : List.of(ComputeType.FP32)) {
            compare(type, x, head, logits);
        }
    }

    /** Matrices that only the way in two steps has. */
    private record Logits(DeviceTensor reference, DeviceTensor exponentials, DeviceTensor level) {}

    private String shape() {
        return rows + " × " + vocabulary + " × " + hidden;
    }

    private MatrixProduct product(ComputeType type) {
        if (cublas.isPresent()) {
            return new CublasProduct(bed.queue(), cublas.get(), type);
        }
        return type == ComputeType.FP32
                ? new OwnProduct(bed.launcher, "")
                : new TensorProduct(bed.launcher, DenseType.valueOf(type.name()), "");
    }

    private void compare(ComputeType type, DeviceTensor x, DeviceTensor head, Logits z) {
        int[] targets = new int[rows];
        Scores[] apart = {new Scores(rows), null};
        Scores[] fused = {new Scores(rows), null};
        ScoreKernels scores = new ScoreKernels(bed.launcher);
        TopKernels tops = new TopKernels(bed.launcher);
        double floor;
        try (MatrixProduct product = product(type)) {
            product.multiply(bed.lane, x, head, z.reference);
            scores.scoreReference(bed.lane, z.reference, 0, targets, apart[0], z.exponentials);
            floor = bed.median(turn -> {
                apart[1] = new Scores(rows);
                product.multiply(bed.lane, x, head, z.level);
                scores.scoreAgainst(bed.lane, z.reference, z.exponentials, apart[0], z.level, 0, targets, apart[1]);
                tops.keep(bed.lane, z.level, 0, new TopTokens(rows));
            });
        }
        String by = cublas.isPresent() ? "cuBLAS" : "our product";
        String name = type.word();
        sink.accept(new BenchmarkLine(
                "logits by " + by + ", then scores, " + name, shape(), floor, Double.NaN, "", Double.NaN, ""));
        LogitScorer scorer =
                new FusedLogits(bed.launcher, DenseType.valueOf(type.name()), new BedMemory(), rows, vocabulary, true);
        LogitScorer.Logits operands = new LogitScorer.Logits(x, head, 0);
        LogitScorer.Tile tile = new LogitScorer.Tile(0, targets);
        scorer.reference(operands, tile, fused[0], null);
        double time = bed.median(turn -> {
            fused[1] = new Scores(rows);
            scorer.against(operands, tile, fused[0], fused[1], new TopTokens(rows));
        });
        sink.accept(new BenchmarkLine(
                "logits to scores, " + name, shape(), time, floor, "the line above", error(apart[1], fused[1]), ""));
    }

    /** Of two log-likelihoods from sums of {@code hidden} products in another order, whose running values are about its root. */
    private double error(Scores expected, Scores found) {
        double tolerance = 2 * (hidden + 1) * UNIT * Math.sqrt(hidden);
        double worst = 0;
        for (int row = 0; row < rows; row++) {
            double part = Math.abs(expected.negativeLogLikelihood(row) - found.negativeLogLikelihood(row)) / tolerance;
            worst = Math.max(worst, Double.isNaN(part) ? Double.POSITIVE_INFINITY : part);
        }
        return worst;
    }

    /** Tensors that the bed gives back. */
    private final class BedMemory implements TensorMemory {
        @Override
        public Tensor allocate(int rows, int columns) {
            return bed.tensor(rows, columns);
        }

        @Override
        public void close() {}
    }
}
