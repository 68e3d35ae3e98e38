package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.ScalarBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whose importances a matrix gets. */
class CalibrationTest {
    private final Backend backend = new ScalarBackend();
    private final TensorMemory memory = backend.newMemory();

    @AfterEach
    void close() {
        memory.close();
    }

    private Tensor tensor(int columns, float... values) {
        Tensor tensor = memory.allocate(values.length / columns, columns);
        try (Arena arena = Arena.ofConfined()) {
            backend.upload(arena.allocateFrom(JAVA_FLOAT, values), tensor);
        }
        return tensor;
    }

    @Test
    void mapsThatReadTheSameInputShareItsMeans() throws IOException {
        Calibration calibration = new Calibration("a test", backend, false);
        calibration.unit(1, tap -> tap.see(TensorRole.QUERY, 0, tensor(2, 3, 0)));
        calibration.unit(0, tap -> {
            tap.see(TensorRole.QUERY, 0, tensor(2, 1, 2, 5, 0));
            tap.see(TensorRole.UP, 0, tensor(1, 2));
        });
        Importance importance = calibration.importance();
        float[] expected = {(9 + 1 + 25) / 3f, 4 / 3f};
        for (TensorRole role : List.of(TensorRole.QUERY, TensorRole.KEY, TensorRole.VALUE)) {
            assertArrayEquals(expected, importance.of(role, 0));
        }
        assertArrayEquals(new float[] {4}, importance.of(TensorRole.GATE, 0));
        assertNull(importance.of(TensorRole.DOWN, 0));
        assertFalse(importance.unsampled(TensorRole.DOWN, 0));
    }

    @Test
    void expertsHaveTheirOwnMeansAndTheOthersWhereTheySawNothing() throws IOException {
        Calibration calibration = new Calibration("a test", backend, false);
        calibration.unit(0, tap -> tap.see(TensorRole.EXPERT_UP, 2, tensor(1, 1, 2, 3)));
        calibration.unit(1, tap -> {
            tap.see(TensorRole.EXPERT_UP, 0, tensor(1, 10));
            tap.see(TensorRole.EXPERT_UP, 2, tensor(1, 4));
        });
        Importance importance = calibration.importance();
        assertArrayEquals(new float[] {100}, importance.of(TensorRole.EXPERT_GATE, 0));
        assertArrayEquals(new float[] {30 / 4f}, importance.of(TensorRole.EXPERT_UP, 2));
        assertArrayEquals(new float[] {130 / 5f}, importance.of(TensorRole.EXPERT_UP, 1));
        assertTrue(importance.unsampled(TensorRole.EXPERT_GATE, 1));
        assertFalse(importance.unsampled(TensorRole.EXPERT_GATE, 2));
        assertNull(Importance.NONE.of(TensorRole.EXPERT_UP, 0));
        assertFalse(Importance.NONE.unsampled(TensorRole.EXPERT_UP, 0));
    }

    @Test
    void overflowIsRefused() throws IOException {
        Calibration calibration = new Calibration("a test", backend, false);
        calibration.unit(0, tap -> tap.see(TensorRole.DOWN, 0, tensor(1, Float.POSITIVE_INFINITY)));
        assertTrue(assertThrows(IOException.class, calibration::importance)
                .getMessage()
                .contains("DOWN"));
    }

    /** Activations that are finite while their squares are not. */
    @Test
    void squaresThatOverflowAreRefused() throws IOException {
        Calibration calibration = new Calibration("a test", backend, false);
        calibration.unit(0, tap -> tap.see(TensorRole.DOWN, 0, tensor(1, 1e38f, 1e38f)));
        Importance importance = null;
        try {
            importance = calibration.importance();
        } catch (IOException e) {
            assertTrue(e.getMessage().contains("a test: the input of DOWN"), e.getMessage());
        }
        assertNull(importance);
    }

    /** Means are over tokens: into what units these are cut, or how often a text is repeated, changes nothing. */
    @Test
    void secondMomentsAreNormalisedByTokens() throws IOException {
        float[] once = {1, 2, 3, -1, 0.5f, 4};
        float[] thrice = {1, 2, 3, -1, 0.5f, 4, 1, 2, 3, -1, 0.5f, 4, 1, 2, 3, -1, 0.5f, 4};
        try (Calibration whole = new Calibration("a test", backend, true);
                Calibration cut = new Calibration("a test", backend, true)) {
            whole.unit(0, tap -> tap.see(TensorRole.UP, 0, tensor(2, once)));
            cut.unit(0, tap -> tap.see(TensorRole.UP, 0, tensor(2, Arrays.copyOf(thrice, 2))));
            cut.unit(1, tap -> tap.see(TensorRole.UP, 0, tensor(2, Arrays.copyOfRange(thrice, 2, 18))));
            float[] expected = {(1 + 9 + 0.25f) / 3, (2 - 3 + 2) / 3f, (2 - 3 + 2) / 3f, (4 + 1 + 16) / 3f};
            for (Calibration calibration : List.of(whole, cut)) {
                Importance importance = calibration.importance();
                float[] moments = importance
                        .inputs(TensorRole.UP, 0)
                        .hessian()
                        .values()
                        .data()
                        .toArray(JAVA_FLOAT);
                assertArrayEquals(expected, moments, 1e-5f);
            }
        }
    }

    /** Four calibration tokens, one expert each, of sixteen: at least twelve know nothing, of three matrices each. */
    @Test
    void expertsWithoutTokensAreCountedForCalibratedLevelsOnly() throws IOException {
        RandomDecoder model = Architectures.routed(16, 1);
        int[] tokens =
                new SplittableRandom(4).ints(200, 0, Architectures.VOCABULARY).toArray();
        try (Backend cpu = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            List<LevelResult> results = Measurements.run(
                    model,
                    cpu,
                    Measurements.plan(tokens, 40),
                    Measurements.plan(new int[] {7, 8, 9, 10}, 4),
                    "fp32,int3:g8,int3:g8:search",
                    Measurements.PLENTY);
            assertEquals(0, results.get(0).stats().unsampled);
            assertEquals(0, results.get(1).stats().unsampled);
            long unsampled = results.get(2).stats().unsampled;
            int layers = model.spec().layers();
            assertTrue(unsampled >= 3 * 12 * layers && unsampled <= 3 * 15 * layers, "counted " + unsampled);
            assertTrue(results.get(2).stats().fallbacks >= unsampled);
        }
    }
}
