package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.SolveStats;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Solvers that are told what inputs behind quantized maps lack of full precision's. */
class AsymmetricCalibrationTest {
    private static final String LEVEL = "int3:g8:gptaq";
    private static final int CONTEXT = 40;

    private final WindowPlan calibration = Measurements.plan(
            new SplittableRandom(5).ints(1000, 0, Architectures.VOCABULARY).toArray(), CONTEXT);

    @TempDir
    Path folder;

    private record Place(int layer, TensorRole role, int expert) {}

    private void quantize(Checkpoint model, String level, int lanes, long memory, PackedSink sink) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, lanes)) {
            new QuantizePass(
                            model,
                            new Resources(backend, memory, folder, Progress.NONE),
                            Recipe.of(model, Level.parse(level)),
                            calibration)
                    .linearMaps(sink);
        }
    }

    /** The inputs of every map for each token of the calibration, by the decoder alone. */
    private Map<Place, Map<Integer, float[]>> inputs(RandomDecoder model) throws IOException {
        Map<Place, Map<Integer, float[]>> seen = new HashMap<>();
        List<int[]> texts =
                calibration.units().stream().map(WindowPlan.Unit::tokens).toList();
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1);
                Lanes lanes = new Lanes(1);
                Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory();
                HiddenStates states =
                        new HiddenStates(1, calibration.rows(), model.spec().hidden(), Measurements.PLENTY, folder);
                Workspace space = new Workspace(backend, model.spec(), calibration.largestUnit())) {
            WeightReader reader = new WeightReader(model, lanes);
            Embeddings embeddings = new Embeddings(reader, model.spec(), texts, arena);
            embeddings.write(
                    embeddings.in(null, arena, new SolveStats()),
                    Embeddings.positions(reader, model, arena),
                    calibration,
                    states,
                    0,
                    lanes);
            DecoderLayer decoder = new DecoderLayer(backend, model.spec(), CONTEXT, memory);
            for (int layer = 0; layer < model.spec().layers(); layer++) {
                LayerWeights weights = weights(model, layer, backend, memory, arena);
                for (WindowPlan.Unit unit : calibration.units()) {
                    Tensor x = space.x(unit.rows());
                    states.load(0, unit.firstRow(), backend, x, space.host);
                    decoder.forward(layer, weights, x, unit.length(), space, new Recorder(backend, unit, layer, seen));
                    states.store(0, unit.firstRow(), backend, x, space.host);
                }
            }
        }
        return seen;
    }

    private static LayerWeights weights(
            RandomDecoder model, int layer, Backend backend, TensorMemory memory, Arena arena) throws IOException {
        Map<TensorRole, Tensor> tensors = new EnumMap<>(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            if (role.inLayer() && model.weight(role, layer).isPresent()) {
                Tensor tensor = memory.allocate(
                        (int) model.weight(role, layer).orElseThrow().rows(),
                        (int) model.weight(role, layer).orElseThrow().columns());
                backend.upload(arena.allocateFrom(JAVA_FLOAT, model.values(role, layer)), tensor);
                tensors.put(role, tensor);
            }
        }
        return new LayerWeights(tensors);
    }

    private record Recorder(
            Backend backend, WindowPlan.Unit unit, int layer, Map<Place, Map<Integer, float[]>> seen, int[][] routed)
            implements DecoderLayer.Tap {
        Recorder(Backend backend, WindowPlan.Unit unit, int layer, Map<Place, Map<Integer, float[]>> seen) {
            this(backend, unit, layer, seen, new int[1][]);
        }

        @Override
        public void route(int expert, int[] rows) {
            routed[0] = rows;
        }

        @Override
        public void see(TensorRole role, int expert, Tensor input) {
            int[] rows = role.perExpert()
                    ? routed[0]
                    : IntStream.range(0, input.rows()).toArray();
            try (Arena arena = Arena.ofConfined()) {
                var values = arena.allocate(4L * input.rows() * input.columns(), 64);
                backend.download(input, values);
                for (int i = 0; i < rows.length; i++) {
                    float[] row = values.asSlice(4L * i * input.columns(), 4L * input.columns())
                            .toArray(JAVA_FLOAT);
                    seen.computeIfAbsent(new Place(layer, role, expert), p -> new HashMap<>())
                            .put(unit.firstRow() + rows[i], row);
                }
            }
        }
    }

    /** What solvers were given against sums in double over the inputs of both models, token by token. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "neox", "gpt2", "post-norm", "mixtral", "qwen3-moe"})
    void crossMomentsAreThoseOfTheTwoModels(String architecture) throws IOException {
        RandomDecoder quantized = Architectures.of(architecture);
        Map<Place, float[]> found = new LinkedHashMap<>();
        quantize(Architectures.of(architecture), LEVEL, 2, Measurements.PLENTY, packed -> {
            float[] row = new float[packed.matrix().columns()];
            float[] values = quantized.values(packed.role(), packed.layer());
            for (int r = 0; r < packed.matrix().rows(); r++) {
                packed.matrix().decodeRow(r, row);
                int at = (packed.expert() * packed.matrix().rows() + r) * row.length;
                System.arraycopy(row, 0, values, at, row.length);
            }
            if (packed.role().input() == packed.role() && packed.inputs().hessian() != null) {
                found.put(
                        new Place(packed.layer(), packed.role(), packed.expert()),
                        packed.inputs().cross().values().data().toArray(JAVA_FLOAT));
            }
        });
        Map<Place, Map<Integer, float[]>> full = inputs(Architectures.of(architecture));
        Map<Place, Map<Integer, float[]>> own = inputs(quantized);
        assertEquals(own.keySet(), found.keySet());
        int lacking = 0;
        for (Place place : found.keySet()) {
            Map<Integer, float[]> counterparts = full.getOrDefault(place, Map.of());
            double[] expected = moments(own.get(place), counterparts);
            double scale =
                    Math.sqrt(Arrays.stream(expected).map(v -> v * v).max().orElseThrow());
            float[] values = found.get(place);
            for (int i = 0; i < values.length; i++) {
                // Half a thousandth: inputs are summed in another order, and their differences are small.
                assertEquals(expected[i], values[i], 5e-4 * scale + 1e-6, place.toString());
            }
            lacking += scale > 0 ? 1 : 0;
            assertTrue(
                    place.layer > 0 || place.role != TensorRole.QUERY || scale == 0, "the first input lacks nothing");
        }
        assertTrue(lacking > found.size() / 2, lacking + " of " + found.size());
    }

    private static double[] moments(Map<Integer, float[]> own, Map<Integer, float[]> full) {
        int n = own.values().iterator().next().length;
        double[] mean = new double[n * n];
        own.forEach((token, x) -> {
            float[] other = full.getOrDefault(token, x);
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    mean[i * n + j] += (double) x[i] * ((double) other[j] - x[j]) / own.size();
                }
            }
        });
        return mean;
    }

    private Map<Place, byte[]> bytes(String architecture, int lanes, long memory) throws IOException {
        Map<Place, byte[]> bytes = new HashMap<>();
        quantize(
                Architectures.of(architecture),
                LEVEL,
                lanes,
                memory,
                packed -> bytes.put(
                        new Place(packed.layer(), packed.role(), packed.expert()),
                        packed.matrix().bytes().toArray(JAVA_BYTE)));
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mixtral"})
    void neitherLanesNorMemoryChangeAByte(String architecture) throws IOException {
        Map<Place, byte[]> expected = bytes(architecture, 1, Measurements.PLENTY);
        for (int lanes = 2; lanes <= 3; lanes++) {
            Map<Place, byte[]> found = bytes(architecture, lanes, 0);
            assertEquals(expected.keySet(), found.keySet());
            expected.forEach((place, packed) -> assertArrayEquals(packed, found.get(place), place.toString()));
        }
    }

    /** With a transform only the layers before are quantized, so that the first layer's inputs lack nothing. */
    @Test
    void aTransformMovesWhatIsLackingToo() throws IOException {
        double[] largest = new double[2];
        quantize(Architectures.of("llama"), "int3:g8:hadamard-online:gptaq", 2, Measurements.PLENTY, packed -> {
            assertNotNull(packed.inputs().cross());
            for (float value : packed.inputs().cross().values().data().toArray(JAVA_FLOAT)) {
                largest[packed.layer() == 0 ? 0 : 1] = Math.max(largest[packed.layer() == 0 ? 0 : 1], Math.abs(value));
            }
        });
        assertEquals(0, largest[0]);
        assertTrue(largest[1] > 0);
    }

    @Test
    void otherSolversAreNotTold() throws IOException {
        quantize(
                Architectures.of("llama"),
                "int3:g8:gptq-sequential",
                2,
                Measurements.PLENTY,
                packed -> assertNull(packed.inputs().cross()));
    }

    private List<double[]> scores(Backend backend, WindowPlan plan, String levels) throws IOException {
        return Measurements.run(Architectures.of("llama"), backend, plan, calibration, levels, Measurements.PLENTY)
                .stream()
                .map(result -> result.scores().kld())
                .toList();
    }

    /** On the calibration text itself, with weights that are rounded coarsely. */
    @Test
    void theModelComesNearerToFullPrecision() throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            List<double[]> kld = scores(backend, calibration, "fp32,int2:g8:gptq-sequential,int2:g8:gptaq");
            double without = mean(kld.get(1));
            double with = mean(kld.get(2));
            assertTrue(with < 0.9 * without, with + " against " + without);
        }
    }

    private double mean(double[] values) {
        return Arrays.stream(calibration.scoredRows(0))
                .mapToDouble(row -> values[row])
                .average()
                .orElseThrow();
    }

    private static final class Killed extends RuntimeException {}

    /** Dies when it begins with a layer; 0 for never. */
    private record Mortal(int layer) implements Progress {
        @Override
        public void report(String what, double done, double total) {
            if (what.startsWith("layer " + layer + ",")) {
                throw new Killed();
            }
        }
    }

    private List<LevelResult> sweep(String out, KeptHessians hessians, Progress progress) throws IOException {
        RandomDecoder model = Architectures.of("llama");
        try (SweepFolder kept = SweepFolder.lock(folder.resolve(out));
                Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            return new Sweep(
                            model,
                            new Resources(backend, Measurements.PLENTY, folder, progress),
                            calibration,
                            calibration,
                            Recipe.of(model, Level.parseList("fp32,int3:g8:gptq," + LEVEL)))
                    .goBy(GivenImportance.NONE.with(hessians))
                    .keepIn(new Keeping(kept, 0), new Fingerprint().with("model", "llama"))
                    .run();
        }
    }

    private static void assertSame(List<LevelResult> expected, List<LevelResult> found) {
        for (int l = 0; l < expected.size(); l++) {
            assertArrayEquals(
                    expected.get(l).scores().nll(), found.get(l).scores().nll());
        }
    }

    @Test
    void aKilledSweepGoesOn() throws IOException {
        List<LevelResult> whole = sweep("whole", null, Progress.NONE);
        assertThrows(Killed.class, () -> sweep("killed", null, new Mortal(2)));
        assertSame(whole, sweep("killed", null, Progress.NONE));
    }

    /** Kept statistics leave out nothing that these levels need. */
    @Test
    void keptStatisticsServeTheOthers() throws IOException {
        List<LevelResult> whole = sweep("none", null, Progress.NONE);
        for (int run = 0; run < 2; run++) {
            try (KeptHessians kept = KeptHessians.open(
                    folder.resolve("hessians"), new Fingerprint().with("model", "llama"), Architectures.of("llama"))) {
                assertEquals(run == 1, kept.complete());
                assertThrows(Killed.class, () -> sweep("kept", kept, new Mortal(2)));
                if (run == 0) {
                    assertSame(whole, sweep("first", kept, Progress.NONE));
                } else {
                    assertSame(whole, sweep("kept", kept, Progress.NONE));
                }
            }
        }
    }
}
