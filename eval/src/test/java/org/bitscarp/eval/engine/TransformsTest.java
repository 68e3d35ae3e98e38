package org.bitscarp.eval.engine;

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
        return withoutRoundedActivations().filter(name -> !List.of("gemma", "neox", "gpt2", "post-norm")
                .contains(name));
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
                        name + ", " + result.level() + ", row " + row + ": " + expected + " and " + found);
            }
        }
    }
}
