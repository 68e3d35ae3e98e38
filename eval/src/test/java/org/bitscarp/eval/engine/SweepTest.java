package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a sweep promises beside right numbers: the same bits however it is run, each weight read once. */
class SweepTest {
    private static final String LEVELS = "fp32,bf16,int4:g64,int2:g32:search,ternary";
    private static final int CONTEXT = 96;

    private Checkpoint checkpoint;
    private final WindowPlan plan = Measurements.plan(tokens(27 * CONTEXT, 1), CONTEXT);

    @BeforeEach
    void open() throws IOException {
        checkpoint = Checkpoints.open(Measurements.builtinModel());
    }

    @AfterEach
    void close() {
        checkpoint.close();
    }

    private static int[] tokens(int n, long seed) {
        return new SplittableRandom(seed).ints(n, 0, 4096).toArray();
    }

    private static Backend cpu(int lanes) {
        return CpuBackend.create(CpuBackend.MatrixProduct.AUTO, lanes);
    }

    private List<LevelResult> run(Backend backend, String levels, long memory) throws IOException {
        try (backend) {
            return Measurements.run(checkpoint, backend, plan, levels, memory);
        }
    }

    private static void assertSameBits(LevelResult expected, LevelResult actual) {
        assertArrayEquals(expected.scores().nll(), actual.scores().nll());
        assertArrayEquals(expected.scores().kld(), actual.scores().kld());
        assertArrayEquals(expected.scores().sameTop1(), actual.scores().sameTop1());
        assertArrayEquals(expected.layerErrors(), actual.layerErrors());
        assertEquals(expected.stats().squaredError, actual.stats().squaredError);
        assertEquals(expected.modelBytes(), actual.modelBytes());
    }

    @Test
    void neitherThreadsNorMemoryChangeABit() throws IOException {
        List<LevelResult> one = run(cpu(1), LEVELS, Measurements.PLENTY);
        List<LevelResult> three = run(cpu(3), LEVELS, Measurements.PLENTY);
        List<LevelResult> fromFile = run(cpu(2), LEVELS, 0);
        for (int l = 0; l < one.size(); l++) {
            assertSameBits(one.get(l), three.get(l));
            assertSameBits(one.get(l), fromFile.get(l));
        }
    }

    @Test
    void aLevelScoresTheSameAloneAndAmongOthers() throws IOException {
        List<LevelResult> together = run(cpu(2), LEVELS, Measurements.PLENTY);
        for (LevelResult result : together) {
            LevelResult alone = run(cpu(2), result.name(), Measurements.PLENTY).getFirst();
            assertArrayEquals(result.scores().nll(), alone.scores().nll());
            assertEquals(result.modelBytes(), alone.modelBytes());
        }
    }

    @Test
    void theReferenceDivergesFromItselfByExactlyNothing() throws IOException {
        List<LevelResult> results = run(cpu(2), "fp32,fp32:rtn,int3".replace("fp32:rtn,", ""), Measurements.PLENTY);
        TokenScores reference = results.getFirst().scores();
        for (int row : plan.scoredRows(0)) {
            assertEquals(0.0, reference.kld()[row]);
            assertTrue(reference.sameTop1()[row]);
        }
        assertArrayEquals(new double[6], results.getFirst().layerErrors());
        double[] errors = results.get(1).layerErrors();
        assertTrue(errors[0] > 0 && errors[5] > errors[0], "errors build up from layer to layer");
    }

    @Test
    void bothMatrixProductsAgree() throws IOException {
        List<LevelResult> blas = run(cpu(2), "fp32,int3", Measurements.PLENTY);
        List<LevelResult> java =
                run(CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2), "fp32,int3", Measurements.PLENTY);
        for (int l = 0; l < 2; l++) {
            for (int row : plan.scoredRows(0)) {
                assertEquals(
                        blas.get(l).scores().nll()[row], java.get(l).scores().nll()[row], 2e-3, "token of row " + row);
            }
        }
    }

    @Test
    void eachWeightIsReadOnceForAllLevels() throws IOException {
        long before = checkpoint.bytesMapped();
        run(cpu(2), LEVELS, Measurements.PLENTY);
        long read = checkpoint.bytesMapped() - before;
        long weights = checkpoint.weights().stream().mapToLong(Weight::byteSize).sum();
        // The embedding is also the output projection: rows of the tokens that occur are looked up at the beginning.
        long lookedUp = plan.units().stream()
                        .flatMapToInt(u -> java.util.Arrays.stream(u.tokens()))
                        .distinct()
                        .count()
                * 4L
                * checkpoint.spec().hidden();
        assertEquals(weights + lookedUp, read);
    }

    @Test
    void theDigestNamesTheWeights() throws IOException {
        Sweep sweep = new Sweep(
                checkpoint,
                new Resources(cpu(2), Measurements.PLENTY, Path.of("target"), Progress.NONE),
                plan,
                null,
                Recipe.of(checkpoint, Level.parseList("fp32")));
        sweep.run();
        assertEquals(64, sweep.modelSha256().length());
    }

    /** Sums of outer products are taken in the order of the units, whatever lane gets there first. */
    @Test
    void neitherThreadsNorMemoryChangeABitOfErrorFeedback() throws IOException {
        WindowPlan calibration = Measurements.plan(tokens(45 * CONTEXT, 2), CONTEXT);
        String levels = "fp32,int3:g64:gptq,q4_0:gptq-actorder,int3:g64:gptq-published,q4_0:gptaq";
        List<LevelResult> one;
        try (Backend backend = cpu(1)) {
            one = Measurements.run(checkpoint, backend, plan, calibration, levels, Measurements.PLENTY);
        }
        for (int lanes : new int[] {2, 3}) {
            try (Backend backend = cpu(lanes)) {
                List<LevelResult> more = Measurements.run(checkpoint, backend, plan, calibration, levels, 0);
                for (int l = 0; l < one.size(); l++) {
                    assertSameBits(one.get(l), more.get(l));
                }
            }
        }
    }

    @Test
    void errorFeedbackWithoutCalibrationIsRefusedBeforeAnyWork() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> run(cpu(1), "int4:gptq", Measurements.PLENTY))
                .getMessage()
                .contains("--calibration"));
    }

    @Test
    void calibrationChangesSearchedLevelsOnly() throws IOException {
        WindowPlan calibration = Measurements.plan(tokens(5 * CONTEXT, 2), CONTEXT);
        String levels = "fp32,int2:g32,int2:g32:search";
        try (Backend backend = cpu(2)) {
            List<LevelResult> without = Measurements.run(checkpoint, backend, plan, levels, Measurements.PLENTY);
            List<LevelResult> with =
                    Measurements.run(checkpoint, backend, plan, calibration, levels, Measurements.PLENTY);
            assertSameBits(without.get(0), with.get(0));
            assertSameBits(without.get(1), with.get(1));
            assertNotEquals(
                    without.get(2).stats().squaredError, with.get(2).stats().squaredError, "importances matter");
        }
    }

    @Test
    void bytesAddUp() throws IOException {
        List<LevelResult> results = run(cpu(2), "fp32,fp16,int4", Measurements.PLENTY);
        assertEquals(32, results.get(0).bitsPerWeight());
        assertEquals(23_081_984, results.get(0).modelBytes());
        assertEquals(16, results.get(1).bitsPerWeight());
        long linear = 6L * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 768 * 256);
        // fp16 scale, zero point in a byte, 64 bytes of codes for each 128 weights.
        assertEquals(linear / 128 * (2 + 1 + 64), results.get(2).quantizedBytes());
        long norms = 13L * 256 * 4;
        assertEquals(
                results.get(2).quantizedBytes() + norms + 4096L * 256 * 2,
                results.get(2).modelBytes());
    }

    @Test
    void blocksThatDoNotFitARowAreRefusedBeforeTheWork() throws IOException {
        try (Backend backend = cpu(1);
                Checkpoint narrow = Checkpoints.open(Path.of("src/test/resources/fixtures/llama-gqa"))) {
            String message = org.junit.jupiter.api.Assertions.assertThrows(
                            IllegalArgumentException.class,
                            () -> Measurements.run(
                                    narrow, backend, Measurements.plan(tokens(64, 3), 32), "fp32,q4_k", 1 << 30))
                    .getMessage();
            assertTrue(message.contains("q4_k") && message.contains("256") && message.contains("q_proj"), message);
        }
    }
}
