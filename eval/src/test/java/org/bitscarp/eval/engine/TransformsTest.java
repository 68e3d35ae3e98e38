package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Transforms on every kind of decoder: exact where nothing is rounded, refused where the architecture says so. */
class TransformsTest {
    /** Two forward passes in fp32 with weights that went to another basis and back: some hundred roundings near 1. */
    private static final double ROUNDING = 2e-4;

    private final WindowPlan plan = Measurements.plan(tokens(400, 1), 40);
    private final WindowPlan calibration = Measurements.plan(tokens(240, 2), 30);

    private static int[] tokens(int n, long seed) {
        return new SplittableRandom(seed).ints(n, 0, Architectures.VOCABULARY).toArray();
    }

    private List<LevelResult> run(RandomDecoder model, String levels) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2)) {
            return Measurements.run(model, backend, plan, calibration, levels, Measurements.PLENTY);
        }
    }

    static Stream<String> withoutRoundedActivations() {
        return Architectures.NAMES.stream().filter(name -> !name.equals("bitnet"));
    }

    static Stream<String> rotatable() {
        return withoutRoundedActivations()
                .filter(name -> !List.of("gemma", "neox", "gpt2", "post-norm").contains(name));
    }

    @ParameterizedTest
    @MethodSource("rotatable")
    void foldedRotationsLeaveTheFullModelAsItIs(String name) throws IOException {
        assertSameScores(name, run(Architectures.of(name), "fp32,fp32:hadamard,fp32:hadamard:seed5"));
    }

    @ParameterizedTest
    @MethodSource("withoutRoundedActivations")
    void onlineRotationsLeaveTheFullModelAsItIs(String name) throws IOException {
        assertSameScores(name, run(Architectures.of(name), "fp32,fp32:hadamard-online"));
    }

    private void assertSameScores(String name, List<LevelResult> results) {
        for (LevelResult result : results.subList(1, results.size())) {
            for (int row : plan.scoredRows(0)) {
                double expected = results.getFirst().scores().nll()[row];
                double found = result.scores().nll()[row];
                assertTrue(
                        Math.abs(expected - found) <= ROUNDING,
                        name + ", " + result.name() + ", row " + row + ": " + expected + " and " + found);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "bitnet | int4:g16:awq | rounded to 8 bits",
                "bitnet | int4:g16:hadamard-online | rounded to 8 bits",
                "gpt2 | int4:g16:hadamard | layer norms take out the mean",
                "neox | fp32:hadamard | hadamard-online",
                "gemma | int4:g16:hadamard | gains of those norms do not follow a rotation",
                "post-norm | int4:g16:hadamard | norms stand on the residual stream itself",
                "post-norm | int4:g16:awq | leave awq out",
                "gpt2 | int4:g16:hadamard-online:awq | leave one of them out"
            })
    void refusalsNameTheReason(String model, String level, String reason) {
        String message = assertThrows(
                        IllegalArgumentException.class, () -> run(Architectures.of(model), "fp32," + level))
                .getMessage();
        assertTrue(message.contains("Random does not allow it: ") && message.contains(reason), message);
    }

    @Test
    void scalesNeedCalibrationText() {
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> Measurements.run(
                                Architectures.of("llama"),
                                CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1),
                                plan,
                                "fp32,int4:g16:awq",
                                Measurements.PLENTY))
                .getMessage();
        assertTrue(message.contains("awq needs calibration text"), message);
    }

    /** Transforms at every solver, on dense and routed layers: bits do not depend on threads, bytes not on transforms. */
    @ParameterizedTest
    @MethodSource("rotatable")
    void threadsDoNotChangeABit(String name) throws IOException {
        String levels = "fp32,int3:g16,int3:g16:awq,int3:g16:hadamard:search,int3:g16:hadamard-online:gptq,"
                + "int2:g16:hadamard:awq:gptq,q8_0:awq:search";
        List<LevelResult> two = run(Architectures.of(name), levels);
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1)) {
            List<LevelResult> one =
                    Measurements.run(Architectures.of(name), backend, plan, calibration, levels, Measurements.PLENTY);
            for (int l = 0; l < one.size(); l++) {
                assertArrayEquals(one.get(l).scores().nll(), two.get(l).scores().nll());
                assertEquals(0, one.get(l).stats().nonfinite);
            }
            for (int l = 1; l <= 4; l++) {
                assertEquals(one.get(1).quantizedBytes(), one.get(l).quantizedBytes());
            }
        }
    }
}
