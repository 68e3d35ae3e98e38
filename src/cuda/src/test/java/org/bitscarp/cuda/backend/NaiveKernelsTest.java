package org.bitscarp.cuda.backend;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.bitscarp.compute.AttentionShape;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.Grid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels that specify the fast ones, beside them on the same device. */
class NaiveKernelsTest {
    /** fp32 unit roundoff. */
    private static final double UNIT = 0x1p-24;

    private final GpuDriver driver = GpuDevices.emulated();
    private final DeviceQueue queue = new DeviceQueue(driver, new DeviceMemory(driver, 1 << 28), 1);
    private final KernelLibrary kernels = new KernelLibrary(driver);
    private final Launcher launcher = new Launcher(queue, kernels);
    private final LayerKernels layers = new LayerKernels(launcher);
    private final DeviceTensors memory = new DeviceTensors(queue, closed -> {});
    private final SplittableRandom random = new SplittableRandom(5);

    @AfterEach
    void close() {
        memory.close();
        queue.close();
        kernels.close();
        driver.ledger().requireEmpty();
        driver.close();
    }

    private DeviceTensor tensor(int rows, int columns) {
        DeviceTensor tensor = DeviceTensor.of(memory.allocate(rows, columns));
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (4 * random.nextDouble() - 2);
        }
        queue.run(lane -> lane.upload(MemorySegment.ofArray(values), tensor.address()));
        return tensor;
    }

    private DeviceTensor copy(DeviceTensor tensor) {
        DeviceTensor copy = DeviceTensor.of(memory.allocate(tensor.rows(), tensor.columns()));
        queue.run(lane -> lane.upload(MemorySegment.ofArray(floats(tensor)), copy.address()));
        return copy;
    }

    private float[] floats(DeviceTensor tensor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(tensor.bytes(), 4);
            queue.run(lane -> lane.download(tensor.address(), host));
            return host.toArray(JAVA_FLOAT);
        }
    }

    private void run(Consumer<Lane> work) {
        queue.run(work);
    }

    private void same(DeviceTensor expected, DeviceTensor found, double tolerance) {
        float[] e = floats(expected);
        float[] f = floats(found);
        for (int i = 0; i < e.length; i++) {
            assertTrue(Math.abs(e[i] - f[i]) <= tolerance, "element " + i + ": " + e[i] + ", found " + f[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 31, 33, 129, 1025})
    void additions(int n) {
        DeviceTensor x = tensor(1, n);
        DeviceTensor y = tensor(1, n);
        DeviceTensor fast = copy(x);
        run(lane -> layers.add(lane, fast, y));
        run(lane -> launcher.call(lane, "add", "add_naive")
                .writes(x)
                .reads(y)
                .long64(n)
                .launch(Grid.covering(n, 64), 64));
        same(x, fast, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 31, 33, 129, 1025})
    void norms(int columns) {
        DeviceTensor x = tensor(3, columns);
        DeviceTensor gain = tensor(1, columns);
        DeviceTensor bias = tensor(1, columns);
        DeviceTensor fast = tensor(3, columns);
        DeviceTensor naive = tensor(3, columns);
        // A normed value is below √columns and carries the roundings of a few operations and of a sum.
        double tolerance = 64 * UNIT * Math.sqrt(columns);
        run(lane -> layers.rmsNorm(lane, x, gain, 1e-5f, fast));
        run(lane -> launcher.call(lane, "rms_norm", "rms_norm_naive")
                .reads(x)
                .reads(gain)
                .float32(1e-5f)
                .writes(naive)
                .integer(3)
                .integer(columns)
                .launch(Grid.of(1), 32));
        same(naive, fast, tolerance);
        run(lane -> layers.layerNorm(lane, x, gain, bias, 1e-5f, fast));
        run(lane -> launcher.call(lane, "layer_norm", "layer_norm_naive")
                .reads(x)
                .reads(gain)
                .reads(bias)
                .float32(1e-5f)
                .writes(naive)
                .integer(3)
                .integer(columns)
                .launch(Grid.of(1), 32));
        same(naive, fast, tolerance);
    }

    /** Heads on both sides of each tile's limit, with everything that an attention may have. */
    @ParameterizedTest
    @CsvSource({
        "33,4,2,16,0,0",
        "5,1,1,128,0,0",
        "5,2,2,129,3,0",
        "4,2,1,256,0,3",
        "4,1,1,257,0,0",
        "9,1,1,300,2,4",
        "4,1,1,512,0,0",
        "35,2,1,20,0,33"
    })
    void attention(int length, int heads, int kvHeads, int headDim, float cap, int window) {
        AttentionShape shape =
                new AttentionShape(length, heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), cap, window);
        DeviceTensor q = tensor(length, heads * headDim);
        DeviceTensor k = tensor(length, kvHeads * headDim);
        DeviceTensor v = tensor(length, kvHeads * headDim);
        DeviceTensor fast = tensor(length, heads * headDim);
        DeviceTensor naive = tensor(length, heads * headDim);
        run(lane -> layers.attention(lane, q, k, v, shape, fast));
        run(lane -> launcher.call(lane, "attention", "attention_naive")
                .reads(q)
                .reads(k)
                .reads(v)
                .writes(naive)
                .integer(length)
                .integer(length)
                .integer(heads)
                .integer(kvHeads)
                .integer(headDim)
                .float32(shape.scale())
                .float32(cap)
                .integer(window)
                .launch(Grid.covering(naive.size(), 64), 64));
        same(naive, fast, (headDim + length + 16) * UNIT * 8);
    }

    @Test
    void rowsWithDifferentIndicesAreAddedAsTheSpecificationAddsThem() {
        DeviceTensor x = tensor(5, 70);
        DeviceTensor y = tensor(3, 70);
        DeviceTensor naive = copy(x);
        int[] rows = {4, 0, 2};
        float[] weights = {0.5f, -1.5f, 0.25f};
        run(lane -> layers.addScaledRows(lane, x, rows, weights, y));
        run(lane -> {
            long index = lane.scratch(24);
            lane.upload(MemorySegment.ofArray(rows), index);
            lane.upload(MemorySegment.ofArray(weights), index + 12);
            launcher.call(lane, "rows", "add_scaled_rows_naive")
                    .writes(naive)
                    .address(index)
                    .address(index + 12)
                    .reads(y)
                    .integer(3)
                    .integer(70)
                    .launch(Grid.covering(70, 32), 32);
        });
        same(naive, x, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 33, 4097, 9000})
    void distances(int n) {
        DeviceTensor x = tensor(1, n);
        DeviceTensor y = tensor(1, n);
        SumKernels sums = new SumKernels(launcher);
        for (DeviceTensor other : new DeviceTensor[] {y, null}) {
            double fast = queue.withLane(lane -> sums.squaredDistance(lane, x, other));
            double[] naive = new double[1];
            run(lane -> {
                long sum = lane.scratch(8);
                Call call = launcher.call(lane, "squared_distance", "squared_distance_naive")
                        .reads(x);
                (other == null ? call.address(0) : call.reads(other))
                        .long64(n)
                        .address(sum)
                        .launch(Grid.of(1), 1);
                lane.download(sum, MemorySegment.ofArray(naive));
            });
            // Sums in double of at most 9000 terms in another order.
            assertEquals(naive[0], fast, 1e-12 * naive[0]);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "7,31", "9,33", "40,129"})
    void columnSquares(int rows, int columns) {
        DeviceTensor x = tensor(rows, columns);
        double[] fast = new double[columns];
        double[] naive = new double[columns];
        run(lane -> new SumKernels(launcher).addColumnSquares(lane, x, fast));
        run(lane -> {
            long sums = lane.scratch(8L * columns);
            launcher.call(lane, "column_squares", "column_squares_naive")
                    .reads(x)
                    .integer(rows)
                    .integer(columns)
                    .address(sums)
                    .launch(Grid.covering(columns, 64), 64);
            lane.download(sums, MemorySegment.ofArray(naive));
        });
        assertArrayEquals(naive, fast, 1e-12 * 4 * rows);
    }

    /** Ties of the greatest logit among them, which go to the first. */
    @ParameterizedTest
    @ValueSource(ints = {1, 31, 100, 700})
    void scores(int n) {
        DeviceTensor reference = tensor(3, n);
        DeviceTensor logits = tensor(3, n);
        DeviceTensor exponentials = tensor(3, n);
        run(lane -> lane.upload(MemorySegment.ofArray(new float[] {9}), logits.address() + 4L * (n / 3)));
        run(lane -> lane.upload(MemorySegment.ofArray(new float[] {9}), logits.address() + 4L * (n / 2)));
        int[] targets = {n - 1, -1, n};
        double[] fast = rowScores("score_reference", targets, reference, null, exponentials);
        close(rowScores("score_naive", targets, reference, null, null), fast);
        close(
                rowScores("score_naive", targets, logits, reference, exponentials),
                rowScores("score_against", targets, logits, reference, exponentials));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 33, 100, 700})
    void mostLikelyTokens(int n) {
        DeviceTensor logits = tensor(3, n);
        float[] z = new float[3 * n];
        SplittableRandom few = new SplittableRandom(n);
        for (int i = 0; i < z.length; i++) {
            // Few values, so that ties decide, and some that are never kept.
            z[i] = i % 7 == 3 ? Float.NaN : i % 11 == 5 ? Float.NEGATIVE_INFINITY : few.nextInt(-4, 5);
        }
        run(lane -> lane.upload(MemorySegment.ofArray(z), logits.address()));
        float[][] found = new float[2][3 * 5 * 2];
        run(lane -> {
            long tokens = lane.scratch(4L * found[0].length);
            launcher.call(lane, "top_tokens", "top_tokens")
                    .reads(logits)
                    .address(tokens)
                    .integer(n)
                    .launch(Grid.of(3), 64);
            lane.download(tokens, MemorySegment.ofArray(found[0]));
            launcher.call(lane, "top_tokens", "top_tokens_naive")
                    .reads(logits)
                    .address(tokens)
                    .integer(3)
                    .integer(n)
                    .launch(Grid.of(1), 32);
            lane.download(tokens, MemorySegment.ofArray(found[1]));
        });
        assertArrayEquals(found[1], found[0]);
    }

    /** {@code RowScore} records as {@code [sum, cross, max, target, argmax]} per row. */
    private double[] rowScores(
            String entry, int[] targets, DeviceTensor logits, DeviceTensor reference, DeviceTensor exponentials) {
        int rows = logits.rows();
        double[] found = new double[5 * rows];
        run(lane -> {
            long results = lane.scratch(36L * rows);
            lane.upload(MemorySegment.ofArray(targets), results + 32L * rows);
            Call call = launcher.call(lane, "score", entry).reads(logits).address(results + 32L * rows);
            switch (entry) {
                case "score_reference" ->
                    call.writes(exponentials)
                            .address(results)
                            .integer(logits.columns())
                            .launch(Grid.of(rows), 64);
                case "score_against" ->
                    call.reads(reference)
                            .reads(exponentials)
                            .address(results)
                            .integer(logits.columns())
                            .launch(Grid.of(rows), 64);
                default ->
                    (reference == null
                                    ? call.address(0).address(0)
                                    : call.reads(reference).reads(exponentials))
                            .address(results)
                            .integer(rows)
                            .integer(logits.columns())
                            .launch(Grid.of(1), 32);
            }
            MemorySegment host = MemorySegment.ofArray(new long[4 * rows]);
            lane.download(results, host);
            for (int row = 0; row < rows; row++) {
                long at = 32L * row;
                found[5 * row] = host.get(java.lang.foreign.ValueLayout.JAVA_DOUBLE, at);
                found[5 * row + 1] = host.get(java.lang.foreign.ValueLayout.JAVA_DOUBLE, at + 8);
                found[5 * row + 2] = host.get(JAVA_FLOAT, at + 16);
                found[5 * row + 3] = host.get(JAVA_FLOAT, at + 20);
                found[5 * row + 4] = host.get(java.lang.foreign.ValueLayout.JAVA_INT, at + 24);
            }
        });
        return found;
    }

    private static void close(double[] naive, double[] fast) {
        for (int i = 0; i < naive.length; i++) {
            // Exponentials in fp32 against double: a few units each; greatest logit, target and place to the bit.
            double tolerance = i % 5 < 2 ? 16 * UNIT * Math.max(1, Math.abs(naive[i])) : 0;
            assertTrue(Math.abs(naive[i] - fast[i]) <= tolerance, i + ": " + naive[i] + ", found " + fast[i]);
        }
    }
}
