package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.ScalarBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.junit.jupiter.api.Test;

/**
 * A calibrated level of a routed model, taken apart: the inputs of each map are collected here, their mean squares computed
 * here, and each expert's matrix searched by itself. The sweep has to make the same error to the last digits.
 */
class ExpertImportanceTest {
    private static final String LEVEL = "int2:g16:search";
    private static final int[] TOKENS =
            new SplittableRandom(6).ints(60, 0, Architectures.VOCABULARY).toArray();

    private record Input(TensorRole role, int expert) {}

    private final Backend backend = new ScalarBackend();
    private final RandomDecoder model = Architectures.of("qwen3-moe");

    @Test
    void expertsAreSearchedWithTheirOwnImportances() throws IOException {
        double found = Measurements.run(
                        model,
                        backend,
                        Measurements.plan(TOKENS, 60),
                        Measurements.plan(TOKENS, 60),
                        LEVEL,
                        Measurements.PLENTY)
                .getFirst()
                .stats()
                .squaredError;
        double own = squaredError(true);
        double shared = squaredError(false);
        assertEquals(own, found, own * 1e-9);
        assertTrue(Math.abs(shared - own) > own * 1e-5, "importances of all experts together give " + shared);
    }

    private double squaredError(boolean ownImportances) throws IOException {
        SolveStats stats = new SolveStats();
        try (TensorMemory memory = backend.newMemory();
                Arena arena = Arena.ofShared();
                Workspace space = new Workspace(backend, model.spec(), TOKENS.length)) {
            int hidden = model.spec().hidden();
            Tensor x = memory.allocate(TOKENS.length, hidden);
            MemorySegment embedded = arena.allocate(4L * TOKENS.length * hidden, 4);
            for (int i = 0; i < TOKENS.length; i++) {
                MemorySegment.copy(
                        model.values(TensorRole.EMBEDDING, 0),
                        TOKENS[i] * hidden,
                        embedded,
                        JAVA_FLOAT,
                        4L * i * hidden,
                        hidden);
            }
            backend.upload(embedded, x);
            DecoderLayer decoder = new DecoderLayer(backend, model.spec(), TOKENS.length, memory);
            for (int layer = 0; layer < model.spec().layers(); layer++) {
                Map<TensorRole, Tensor> tensors = new EnumMap<>(TensorRole.class);
                for (TensorRole role : TensorRole.values()) {
                    if (role.inLayer() && model.weight(role, layer).isPresent()) {
                        Weight weight = model.weight(role, layer).orElseThrow();
                        Tensor tensor = memory.allocate((int) weight.rows(), (int) weight.columns());
                        backend.upload(arena.allocateFrom(JAVA_FLOAT, model.values(role, layer)), tensor);
                        tensors.put(role, tensor);
                    }
                }
                Map<Input, double[]> squares = new HashMap<>();
                Map<Input, Integer> rows = new HashMap<>();
                decoder.forward(layer, new LayerWeights(tensors), x, TOKENS.length, space, (role, expert, input) -> {
                    Input key = new Input(role, ownImportances ? expert : 0);
                    backend.addColumnSquares(input, squares.computeIfAbsent(key, k -> new double[input.columns()]));
                    rows.merge(key, input.rows(), Integer::sum);
                });
                for (TensorRole role : tensors.keySet()) {
                    int matrices = role.perExpert() ? Architectures.EXPERTS : role.linear() ? 1 : 0;
                    for (int e = 0; e < matrices; e++) {
                        Input key = new Input(role.input(), ownImportances ? e : 0);
                        solve(role, layer, e, matrices, mean(squares.get(key), rows.get(key)), stats);
                    }
                }
            }
        }
        return stats.squaredError;
    }

    private static float[] mean(double[] squares, int rows) {
        float[] mean = new float[squares.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = (float) (squares[i] / rows);
        }
        return mean;
    }

    private void solve(TensorRole role, int layer, int expert, int experts, float[] importance, SolveStats stats) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocateFrom(JAVA_FLOAT, model.values(role, layer));
            int columns = importance.length;
            int rows = Math.toIntExact(all.byteSize() / 4 / columns / experts);
            DenseMatrix weights =
                    new DenseMatrix(all.asSlice(4L * expert * rows * columns, 4L * rows * columns), rows, columns);
            Level level = Level.parseList(LEVEL).getFirst();
            PackedMatrix packed = PackedMatrix.allocate(level.format(), rows, columns, arena);
            level.solver()
                    .prepare(weights, InputStatistics.of(importance), packed)
                    .solve(0, rows, stats);
        }
    }
}
