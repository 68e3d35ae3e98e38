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
import org.bitscarp.compute.ScalarBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kind of decoder on the fast backend against the specification, and run in different ways. That the arithmetic is
 * the architecture's own is what {@link TransformersFixtureTest} is for.
 */
class ArchitecturesTest {
    private static final String LEVELS =
            "fp32,bf16,fp16,int4:g16,int2:g16:search,int3:g8:asym:search,nf4:g16,ternary,q4_0,q8_0";
    /** Two fp32 forward passes of these models: a few hundred roundings of values near 1. */
    private static final double ROUNDING = 1e-4;
    /** Where activations are rounded to 8 bits, one that lies at a half may fall on either side: a step of 1/127. */
    private static final double FLIPPED = 0.2;

    private final WindowPlan plan = Measurements.plan(tokens(400, 1), 40);
    private final WindowPlan calibration = Measurements.plan(tokens(120, 2), 30);

    static Stream<String> names() {
        return Architectures.NAMES.stream();
    }

    private static int[] tokens(int n, long seed) {
        return new SplittableRandom(seed).ints(n, 0, Architectures.VOCABULARY).toArray();
    }

    private static Backend cpu(int lanes) {
        return CpuBackend.create(CpuBackend.MatrixProduct.AUTO, lanes);
    }

    private List<LevelResult> run(RandomDecoder model, Backend backend, String levels, long memory) throws IOException {
        try (backend) {
            return Measurements.run(model, backend, plan, calibration, levels, memory);
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void fastBackendsAgreeWithTheSpecification(String name) throws IOException {
        RandomDecoder model = Architectures.of(name);
        double[] expected = run(model, new ScalarBackend(), "fp32", Measurements.PLENTY)
                .getFirst()
                .scores()
                .nll();
        for (CpuBackend.MatrixProduct product :
                new CpuBackend.MatrixProduct[] {CpuBackend.MatrixProduct.JAVA, CpuBackend.MatrixProduct.AUTO}) {
            double[] found = run(model, CpuBackend.create(product, 2), "fp32", Measurements.PLENTY)
                    .getFirst()
                    .scores()
                    .nll();
            double tolerance = name.equals("bitnet") ? FLIPPED : ROUNDING;
            for (int row : plan.scoredRows(0)) {
                double error = Math.abs(expected[row] - found[row]);
                assertTrue(error <= tolerance, name + ", row " + row + ": " + expected[row] + " and " + found[row]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void neitherThreadsNorMemoryChangeABitAtAnyLevel(String name) throws IOException {
        RandomDecoder model = Architectures.of(name);
        List<LevelResult> one = run(model, cpu(1), LEVELS, Measurements.PLENTY);
        List<LevelResult> three = run(model, cpu(3), LEVELS, Measurements.PLENTY);
        List<LevelResult> fromFile = run(model, cpu(2), LEVELS, 0);
        for (int l = 0; l < one.size(); l++) {
            for (LevelResult other : List.of(three.get(l), fromFile.get(l))) {
                assertArrayEquals(one.get(l).scores().nll(), other.scores().nll());
                assertArrayEquals(one.get(l).scores().kld(), other.scores().kld());
                assertArrayEquals(one.get(l).layerErrors(), other.layerErrors());
                assertEquals(one.get(l).stats().squaredError, other.stats().squaredError);
                assertEquals(one.get(l).stats().fallbacks, other.stats().fallbacks);
            }
            for (int row : plan.scoredRows(0)) {
                assertTrue(
                        Double.isFinite(one.get(l).scores().nll()[row]),
                        one.get(l).name() + ", row " + row);
            }
        }
    }

    /** Each model differs from plain Llama in what its name says: the scores have to show that nothing was skipped. */
    @Test
    void everyArchitectureScoresDifferently() throws IOException {
        int row = plan.scoredRows(0)[30];
        List<Double> seen = new java.util.ArrayList<>();
        for (String name : Architectures.NAMES) {
            double nll = run(Architectures.of(name), cpu(2), "fp32", Measurements.PLENTY)
                    .getFirst()
                    .scores()
                    .nll()[row];
            assertTrue(seen.stream().allMatch(other -> Math.abs(other - nll) > 1e-3), name + ": " + nll + seen);
            seen.add(nll);
        }
    }

    @Test
    void windowsBeyondLearnedPositionsAreRefusedBeforeWork() throws IOException {
        WindowPlan tooLong = Measurements.plan(tokens(200, 3), 65);
        try (Backend backend = cpu(1)) {
            String message = assertThrows(
                            IllegalArgumentException.class,
                            () -> Measurements.run(
                                    Architectures.of("gpt2"), backend, tooLong, "fp32", Measurements.PLENTY))
                    .getMessage();
            assertTrue(message.contains("65") && message.contains("64") && message.contains("--context"), message);
            Measurements.run(Architectures.of("llama"), backend, tooLong, "fp32", Measurements.PLENTY);
        }
    }
}
