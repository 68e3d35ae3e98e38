package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bitscarp.compute.Activation;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.TensorRole;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Experts against a loop over tokens in double that gathers nothing. */
class RoutedMlpTest {
    private static final int ROWS = 37;

    private static MlpSpec spec(int experts, int perToken, boolean normalized) {
        return new MlpSpec(0, Activation.SILU, experts, perToken, 5, normalized);
    }

    private static Routing route(MlpSpec spec, float... logits) {
        try (Arena arena = Arena.ofConfined()) {
            return Routing.of(arena.allocateFrom(JAVA_FLOAT, logits), logits.length / spec.experts(), spec);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "qwen3-moe"})
    void everyTokenGetsItsOwnExperts(String name) {
        RandomDecoder model = Architectures.of(name);
        MlpSpec mlp = model.spec().mlp();
        int layer = 1;
        int hidden = model.spec().hidden();
        SplittableRandom random = new SplittableRandom(3);
        float[] x = new float[ROWS * hidden];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1);
                TensorMemory memory = backend.newMemory();
                Arena arena = Arena.ofShared();
                Workspace space = new Workspace(backend, model.spec(), ROWS)) {
            Map<TensorRole, Tensor> tensors = new EnumMap<>(TensorRole.class);
            for (TensorRole role : TensorRole.values()) {
                if (role == TensorRole.ROUTER || role.perExpert()) {
                    Tensor tensor = memory.allocate(
                            (int) model.weight(role, layer).orElseThrow().rows(),
                            (int) model.weight(role, layer).orElseThrow().columns());
                    backend.upload(arena.allocateFrom(JAVA_FLOAT, model.values(role, layer)), tensor);
                    tensors.put(role, tensor);
                }
            }
            Tensor in = memory.allocate(ROWS, hidden);
            backend.upload(arena.allocateFrom(JAVA_FLOAT, x), in);
            int[] seen = new int[mlp.experts()];
            Tensor out = new RoutedMlp(backend, mlp).run(new LayerWeights(tensors), in, space, (role, expert, t) -> {
                seen[expert] += role == TensorRole.EXPERT_UP ? t.rows() : 0;
            });
            assertEquals(ROWS * mlp.expertsPerToken(), IntStream.of(seen).sum());
            MemorySegment found = arena.allocate(4L * ROWS * hidden, 4);
            backend.download(out, found);
            for (int row = 0; row < ROWS; row++) {
                double[] expected =
                        naive(model, layer, java.util.Arrays.copyOfRange(x, row * hidden, (row + 1) * hidden));
                for (int i = 0; i < hidden; i++) {
                    assertEquals(expected[i], found.getAtIndex(JAVA_FLOAT, row * hidden + i), 1e-5, "token " + row);
                }
            }
        }
    }

    private static double[] naive(RandomDecoder model, int layer, float[] x) {
        MlpSpec mlp = model.spec().mlp();
        int hidden = x.length;
        int width = mlp.expertWidth();
        double[] p = product(model.values(TensorRole.ROUTER, layer), 0, mlp.experts(), widen(x));
        double sum = 0;
        for (int e = 0; e < p.length; e++) {
            p[e] = Math.exp(p[e]);
            sum += p[e];
        }
        List<Integer> order = new ArrayList<>(IntStream.range(0, p.length)
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -p[e]))
                .toList());
        List<Integer> chosen = order.subList(0, mlp.expertsPerToken());
        double divisor =
                mlp.normalizedWeights() ? chosen.stream().mapToDouble(e -> p[e]).sum() : sum;
        double[] out = new double[hidden];
        for (int e : chosen) {
            double[] gate = product(model.values(TensorRole.EXPERT_GATE, layer), e * width, width, widen(x));
            double[] up = product(model.values(TensorRole.EXPERT_UP, layer), e * width, width, widen(x));
            for (int i = 0; i < width; i++) {
                gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
            }
            double[] down = product(model.values(TensorRole.EXPERT_DOWN, layer), e * hidden, hidden, gate);
            for (int i = 0; i < hidden; i++) {
                out[i] += p[e] / divisor * down[i];
            }
        }
        return out;
    }

    private static double[] widen(float[] x) {
        return IntStream.range(0, x.length).mapToDouble(i -> x[i]).toArray();
    }

    private static double[] product(float[] w, int firstRow, int rows, double[] x) {
        double[] y = new double[rows];
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < x.length; i++) {
                y[r] += w[(firstRow + r) * x.length + i] * x[i];
            }
        }
        return y;
    }

    @Test
    void weightsAreTheSoftmaxOverAllExpertsOrOverTheChosen() {
        float[] logits = {(float) Math.log(1), (float) Math.log(4), (float) Math.log(3), (float) Math.log(2)};
        Routing all = route(spec(4, 2, false), logits);
        assertArrayEquals(new float[] {0.4f}, all.weights(1), 1e-6f);
        assertArrayEquals(new float[] {0.3f}, all.weights(2), 1e-6f);
        assertEquals(0, all.rows(0).length + all.rows(3).length);
        Routing chosen = route(spec(4, 2, true), logits);
        assertArrayEquals(new float[] {4 / 7f}, chosen.weights(1), 1e-6f);
        assertArrayEquals(new float[] {3 / 7f}, chosen.weights(2), 1e-6f);
    }

    @Test
    void equalLogitsGoToTheFirstAndRowsStayInOrder() {
        Routing routing = route(spec(3, 2, true), 1, 1, 1, 0, 5, 5, 7, 1, 7);
        assertArrayEquals(new int[] {0, 2}, routing.rows(0));
        assertArrayEquals(new int[] {0, 1}, routing.rows(1));
        assertArrayEquals(new int[] {1, 2}, routing.rows(2));
    }

    @Test
    void logitsFarApartNeitherOverflowNorVanish() {
        Routing routing = route(spec(3, 2, true), 5000, -5000, -4999);
        assertArrayEquals(new float[] {1}, routing.weights(0));
        assertArrayEquals(new int[] {0}, routing.rows(2));
        assertArrayEquals(new float[] {0}, routing.weights(2));
    }

    @Test
    void aNotANumberReachesTheOutput() {
        Routing routing = route(spec(3, 2, true), Float.NaN, 1, Float.NaN, 1, 2, 3);
        int sent = 0;
        for (int expert = 0; expert < 3; expert++) {
            int[] rows = routing.rows(expert);
            for (int i = 0; i < rows.length; i++) {
                sent++;
                assertEquals(rows[i] == 0, Float.isNaN(routing.weights(expert)[i]));
            }
        }
        assertEquals(4, sent);
        assertTrue(routing.rows(2).length > 0);
    }
}
