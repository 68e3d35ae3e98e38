package org.bitscarp.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.SplittableRandom;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.engine.HessianSums;
import org.bitscarp.eval.engine.Lanes;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.gptq.Hessian;

/**
 * Time and rate of each part of error feedback on one matrix: second moments, factor, rows. The matrices lie in files of raw
 * fp32, so that another program can be given the same.
 *
 * <p>Floors, in fp32 operations: moments tokens × n² (a symmetric half), factor 2·n³/3 (a triangular factorisation and a
 * triangular inverse), rows × n² for feedback; coordinate descent another 2 · rows × n² for its gradient.
 *
 * <pre>java … org.bitscarp.bench.GptqSpeed FOLDER ROWS COLUMNS LEVEL SAMPLES THREADS [REPETITIONS]</pre>
 */
public final class GptqSpeed {
    /** Tokens in a sample, as in GPTQ's own calibration. */
    private static final int SAMPLE = 2048;
    /** Samples that differ; then they come again. */
    private static final int DISTINCT = 4;

    private final DenseMatrix weights;
    private final DenseMatrix inputs;
    private final Level level;
    private final int samples;
    private final int threads;

    private GptqSpeed(DenseMatrix weights, DenseMatrix inputs, Level level, int samples, int threads) {
        this.weights = weights;
        this.inputs = inputs;
        this.level = level;
        this.samples = samples;
        this.threads = threads;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 6) {
            System.err.println("usage: GptqSpeed FOLDER ROWS COLUMNS LEVEL SAMPLES THREADS [REPETITIONS]");
            System.exit(2);
        }
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        int rows = Integer.parseInt(arguments[1]);
        int columns = Integer.parseInt(arguments[2]);
        int repetitions = arguments.length > 6 ? Integer.parseInt(arguments[6]) : 3;
        try (Arena arena = Arena.ofShared()) {
            DenseMatrix w = matrix(folder.resolve("w-" + rows + "x" + columns + ".f32"), rows, columns, false, arena);
            DenseMatrix x = matrix(folder.resolve("x-" + columns + ".f32"), DISTINCT * SAMPLE, columns, true, arena);
            GptqSpeed speed = new GptqSpeed(
                    w, x, Level.parse(arguments[3]), Integer.parseInt(arguments[4]), Integer.parseInt(arguments[5]));
            for (int i = 0; i < repetitions; i++) {
                speed.run();
            }
        }
    }

    /** Maps a file of random numbers, which is written first where it is not there. */
    private static DenseMatrix matrix(Path file, int rows, int columns, boolean activations, Arena arena)
            throws IOException {
        if (!Files.exists(file)) {
            DenseMatrix matrix = new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
            fill(matrix, activations);
            try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                for (long at = 0; at < matrix.data().byteSize(); ) {
                    long length = Math.min(1 << 28, matrix.data().byteSize() - at);
                    at += out.write(matrix.data().asSlice(at, length).asByteBuffer());
                }
            }
        }
        try (FileChannel in = FileChannel.open(file)) {
            MemorySegment mapped = in.map(FileChannel.MapMode.READ_ONLY, 0, 4L * rows * columns, arena);
            MemorySegment copy = arena.allocate(4L * rows * columns, 64).copyFrom(mapped);
            return new DenseMatrix(copy, rows, columns);
        }
    }

    /** Weights are Gaussian; channels of activations differ in size and share a few directions. */
    private static void fill(DenseMatrix matrix, boolean activations) {
        SplittableRandom random = new SplittableRandom(7L * matrix.rows() + matrix.columns());
        int shared = 16;
        float[] size = new float[matrix.columns()];
        float[] mixing = new float[matrix.columns() * shared];
        for (int c = 0; c < size.length; c++) {
            size[c] = (float) Math.exp(0.7 * random.nextGaussian());
            for (int s = 0; s < shared; s++) {
                mixing[c * shared + s] = (float) (0.3 * random.nextGaussian());
            }
        }
        float[] direction = new float[shared];
        for (int r = 0; r < matrix.rows(); r++) {
            for (int s = 0; s < shared; s++) {
                direction[s] = (float) random.nextGaussian();
            }
            for (int c = 0; c < size.length; c++) {
                float value = (float) random.nextGaussian();
                for (int s = 0; activations && s < shared; s++) {
                    value += mixing[c * shared + s] * direction[s];
                }
                matrix.data()
                        .setAtIndex(
                                ValueLayout.JAVA_FLOAT,
                                (long) r * size.length + c,
                                activations ? value * size[c] : 0.02f * value);
            }
        }
    }

    private void run() throws IOException {
        int rows = weights.rows();
        double n = weights.columns();
        try (Arena arena = Arena.ofShared();
                Lanes lanes = new Lanes(threads);
                CpuBackend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, threads, Optional.empty());
                HessianSums sums = new HessianSums(backend);
                TensorMemory memory = backend.newMemory()) {
            Tensor[] distinct = new Tensor[DISTINCT];
            for (int i = 0; i < DISTINCT; i++) {
                distinct[i] = memory.allocate(SAMPLE, weights.columns());
                backend.upload(inputs.slice(i * SAMPLE, SAMPLE).data(), distinct[i]);
            }
            long started = System.nanoTime();
            lanes.forEach(samples, (lane, unit) -> {
                sums.add(unit, TensorRole.UP, 0, distinct[unit % DISTINCT]);
                sums.finish(unit);
            });
            Hessian hessian = sums.means().get(TensorRole.UP).get(0).host();
            // Values are fetched when they are first asked for.
            float[] meanSquares = hessian.meanSquares();
            double forMoments = report("moments in " + backend.momentsDescription(), started, n * n * samples * SAMPLE);
            started = System.nanoTime();
            PackedMatrix packed = PackedMatrix.allocate(level.format(), rows, weights.columns(), arena);
            InputStatistics statistics = new InputStatistics(meanSquares, hessian);
            level.solver().prepareInputs(statistics, lanes.workers());
            Solver.RowSolver solver = level.solver().prepare(weights, statistics, packed);
            double forFactor = report("factor", started, 2 * n * n * n / 3);
            started = System.nanoTime();
            solve(solver, lanes);
            double forRows = report("rows", started, rows * n * n);
            System.out.printf(
                    "%d x %d %s, %d samples, %d threads: %.3f s; output error %.5f%n",
                    rows,
                    weights.columns(),
                    level,
                    samples,
                    threads,
                    forMoments + forFactor + forRows,
                    error(hessian, packed, arena));
        }
    }

    private void solve(Solver.RowSolver solver, Lanes lanes) throws IOException {
        int step = Solver.rowsTogether(weights.columns());
        int pieces = (weights.rows() + step - 1) / step;
        lanes.forEach(
                pieces,
                (lane, i) -> solver.solve(i * step, Math.min(weights.rows(), (i + 1) * step), new SolveStats()));
    }

    /** Seconds since then. */
    private static double report(String part, long started, double operations) {
        double seconds = (System.nanoTime() - started) / 1e9;
        System.out.printf("  %-28s %7.3f s %6.1f GFLOP/s%n", part, seconds, operations / seconds / 1e9);
        return seconds;
    }

    /** Squared output error over squared output. */
    private double error(Hessian hessian, PackedMatrix packed, Arena arena) {
        int columns = weights.columns();
        DenseMatrix decoded = new DenseMatrix(arena.allocate(4L * packed.rows() * columns, 64), packed.rows(), columns);
        packed.decodeRows(0, packed.rows(), decoded);
        for (long i = 0; i < (long) packed.rows() * columns; i++) {
            float difference = weights.data().getAtIndex(ValueLayout.JAVA_FLOAT, i)
                    - decoded.data().getAtIndex(ValueLayout.JAVA_FLOAT, i);
            decoded.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, difference);
        }
        return hessian.outputError(decoded) / hessian.outputError(weights);
    }
}
