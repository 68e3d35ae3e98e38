package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.gptq.Hessian;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Folded transforms leave an ordinary model: linear maps as they are packed, norms, biases, router, embedding and output
 * projection as {@link FoldedCheckpoint} gives them, run by the engine as it runs any model, score as the plain one does.
 */
class FoldedTransformTest {
    /** Two forward passes in fp32, one with other weights: some hundred roundings of values near 1. */
    private static final double ROUNDING = 5e-4;

    private final Arena arena = Arena.ofAuto();

    @ParameterizedTest
    @CsvSource({
        "llama, hadamard",
        "mistral, hadamard:seed3",
        "qwen2, hadamard",
        "qwen3, hadamard",
        "mixtral, hadamard",
        "qwen3-moe, hadamard",
        "llama, awq",
        "qwen2, awq",
        "gemma, awq",
        "neox, awq",
        "gpt2, awq",
        "mixtral, awq",
        "qwen3-moe, awq",
        "qwen2, hadamard:awq",
        "mixtral, hadamard:awq"
    })
    void theFoldedModelScoresAsThePlainOne(String name, String transform) throws IOException {
        Level level = Level.parse("int3:g16:" + transform);
        RandomDecoder plain = Architectures.of(name);
        RandomDecoder folded = Architectures.of(name);
        FoldedCheckpoint carrying = FoldedCheckpoint.of(folded, level);
        double moved = 0;
        for (int layer = 0; layer < plain.spec().layers(); layer++) {
            moved += fold(plain, folded, carrying, level, layer);
        }
        assertTrue(moved > 1, "weights have changed: " + moved);
        WindowPlan plan = Measurements.plan(
                new SplittableRandom(1).ints(200, 0, Architectures.VOCABULARY).toArray(), 40);
        double[] expected = scores(plain, plan);
        double[] found = scores(carrying, plan);
        for (int row : plan.scoredRows(0)) {
            assertEquals(expected[row], found[row], ROUNDING, name + ", row " + row);
        }
    }

    private static double[] scores(Checkpoint model, WindowPlan plan) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2)) {
            return Measurements.run(model, backend, plan, "fp32", Measurements.PLENTY)
                    .getFirst()
                    .scores()
                    .nll();
        }
    }

    /** Puts a layer's transformed weights into {@code folded}; returns the squared change. */
    private double fold(RandomDecoder plain, RandomDecoder folded, FoldedCheckpoint carrying, Level level, int layer)
            throws IOException {
        Map<TensorRole, DenseMatrix> all = new EnumMap<>(TensorRole.class);
        List<LayerTransform.Plain> maps = new ArrayList<>();
        for (TensorRole role : TensorRole.values()) {
            if (role.inLayer() && plain.weight(role, layer).isPresent()) {
                DenseMatrix w = matrix(plain, role, layer);
                all.put(role, w);
                int experts = !role.linear() ? 0 : role.perExpert() ? Architectures.EXPERTS : 1;
                for (int e = 0; e < experts; e++) {
                    int rows = w.rows() / experts;
                    maps.add(new LayerTransform.Plain(
                            new LayerTransform.Place(role, e),
                            w.slice(e * rows, rows),
                            level.format(),
                            statistics(w.columns(), role.input().ordinal())));
                }
            }
        }
        double moved = 0;
        try (Lanes lanes = new Lanes(2);
                LayerTransform transform =
                        new LayerTransform(Folding.of(plain, level.transform()), maps, all, Solvers.RTN, lanes)) {
            for (LayerTransform.Plain map : maps) {
                float[] w = floats(transform.job(map, null).weights());
                float[] target = folded.values(map.place().role(), layer);
                int at = map.place().expert() * w.length;
                for (int i = 0; i < w.length; i++) {
                    moved += Math.pow(w[i] - target[at + i], 2);
                    target[at + i] = w[i];
                }
                carrying.carry(
                        layer, map.place().role(), transform.job(map, null).change());
            }
        }
        return moved;
    }

    private DenseMatrix matrix(RandomDecoder model, TensorRole role, int layer) {
        float[] values = model.values(role, layer);
        int columns = Math.toIntExact(model.weight(role, layer).orElseThrow().columns());
        MemorySegment data = arena.allocate(4L * values.length, 64);
        MemorySegment.copy(values, 0, data, JAVA_FLOAT, 0, values.length);
        return new DenseMatrix(data, values.length / columns, columns);
    }

    private static float[] floats(DenseMatrix matrix) {
        return matrix.data().asSlice(0, 4 * matrix.size()).toArray(JAVA_FLOAT);
    }

    /** Channels of very different size, so that scales differ from 1. */
    private InputStatistics statistics(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment h = arena.allocate(4L * n * n, 64);
        for (int i = 0; i < n; i++) {
            h.setAtIndex(JAVA_FLOAT, (long) i * n + i, (float) Math.exp(3 * random.nextGaussian()));
        }
        Hessian hessian = new Hessian(new DenseMatrix(h, n, n), arena);
        return new InputStatistics(hessian.meanSquares(), hessian);
    }
}
