package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Inputs of solvers that go by maps which are quantized already. */
class SequentialCalibrationTest {
    private static final String SEQUENTIAL = "int3:g8:gptq-published";

    private final WindowPlan calibration = Measurements.plan(
            new SplittableRandom(5).ints(1000, 0, Architectures.VOCABULARY).toArray(), 40);

    private record Place(int layer, TensorRole role, int expert) {}

    private Map<Place, float[]> inputs(Checkpoint model, String level, PackedSink also) throws IOException {
        Map<Place, float[]> inputs = new HashMap<>();
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            Level parsed = Level.parse(level);
            new QuantizePass(model, Measurements.resources(backend), Recipe.of(model, parsed), calibration)
                    .linearMaps(packed -> {
                        inputs.put(
                                new Place(packed.layer(), packed.role(), packed.expert()),
                                packed.inputs() == null
                                        ? new float[0]
                                        : packed.inputs().meanSquares());
                        also.packed(packed);
                    });
        }
        return inputs;
    }

    /**
     * The inputs of a map depend on maps before it alone. So those that a level went by, one after the other, must be those
     * of the model that it made, measured in one pass that knows nothing of solvers.
     */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma", "neox", "gpt2", "post-norm", "bitnet", "mixtral", "qwen3-moe"})
    void inputsAreThoseOfTheQuantizedModel(String architecture) throws IOException {
        RandomDecoder quantized = Architectures.of(architecture);
        Map<Place, float[]> found = inputs(Architectures.of(architecture), SEQUENTIAL, packed -> {
            float[] row = new float[packed.matrix().columns()];
            float[] values = quantized.values(packed.role(), packed.layer());
            for (int r = 0; r < packed.matrix().rows(); r++) {
                packed.matrix().decodeRow(r, row);
                int at = (packed.expert() * packed.matrix().rows() + r) * row.length;
                System.arraycopy(row, 0, values, at, row.length);
            }
        });
        Map<Place, float[]> expected = inputs(quantized, "int3:g8:search", PackedSink.NONE);
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((map, squares) -> assertArrayEquals(squares, found.get(map), map.toString()));
        Map<Place, float[]> original = inputs(Architectures.of(architecture), "int3:g8:gptq", PackedSink.NONE);
        Place last = new Place(quantized.spec().layers() - 1, TensorRole.OUTPUT, 0);
        assertFalse(Arrays.equals(original.get(last), found.get(last)));
    }

    /** With a transform only the layers before are quantized; the first layer's inputs are those of full precision. */
    @Test
    void aTransformGoesByTheLayersBefore() throws IOException {
        String rotated = "int3:g8:hadamard-online:";
        Map<Place, float[]> found = inputs(Architectures.of("llama"), rotated + "gptq-published", PackedSink.NONE);
        Map<Place, float[]> full = inputs(Architectures.of("llama"), rotated + "gptq", PackedSink.NONE);
        int differing = 0;
        for (Place map : full.keySet()) {
            boolean same = Arrays.equals(full.get(map), found.get(map));
            assertTrue(same || map.layer > 0, map.toString());
            differing += same ? 0 : 1;
        }
        assertTrue(differing > 0);
    }

    /** Levels with states of their own, one after the other and beside levels without, score as each of them alone. */
    @Test
    void levelsKeepTheirStatesApart() throws IOException {
        List<String> levels =
                List.of("fp32", SEQUENTIAL, "int3:g8:gptq", "q4_0:gptq-actorder", "int2:g8:gptq-published");
        RandomDecoder model = Architectures.of("llama");
        WindowPlan plan = Measurements.plan(
                new SplittableRandom(6).ints(400, 0, Architectures.VOCABULARY).toArray(), 40);
        List<double[]> together = new ArrayList<>();
        List<double[]> alone = new ArrayList<>();
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            scores(backend, model, plan, String.join(",", levels), 0).forEach(together::add);
            for (String level : levels) {
                scores(backend, model, plan, level, Measurements.PLENTY).forEach(alone::add);
            }
        }
        for (int l = 0; l < levels.size(); l++) {
            assertArrayEquals(alone.get(l), together.get(l), levels.get(l));
        }
    }

    private Stream<double[]> scores(Backend backend, RandomDecoder model, WindowPlan plan, String levels, long memory)
            throws IOException {
        return Measurements.run(model, backend, plan, calibration, levels, memory).stream()
                .map(result -> result.scores().nll());
    }
}
