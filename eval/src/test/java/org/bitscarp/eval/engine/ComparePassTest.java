package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ComparePassTest {
    private static final RoundingNoise NOISE = new RoundingNoise(RoundingNoise.BF16, 1);

    private static ComparePass pass(
            List<Checkpoint> models, Backend backend, WindowPlan plan, RoundingNoise noise, long memory) {
        return new ComparePass(models, Measurements.resources(backend, memory), plan, noise);
    }

    private static WindowPlan plan(int vocabulary) {
        return Measurements.plan(
                new SplittableRandom(6).ints(6 * 24, 0, vocabulary).toArray(), 24);
    }

    private static Checkpoint rounded(Checkpoint model, String level) {
        return new PartlyQuantized(model, Level.parse(level).format(), (role, layer) -> true);
    }

    /** Every file scores what it scores alone, and what is the same model diverges by nothing at all. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-untied", "gemma2", "gpt2", "mixtral", "opt-postnorm"})
    void filesScoreWhatTheyScoreAlone(String fixture) throws IOException {
        Path folder = Path.of("src/test/resources/fixtures").resolve(fixture);
        try (Checkpoint model = Checkpoints.open(folder);
                Checkpoint same = Checkpoints.open(folder);
                Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            WindowPlan plan = plan(model.spec().vocabulary());
            List<Checkpoint> files = List.of(model, rounded(model, "int2:row"), same, rounded(model, "int4:row"));
            ComparePass pass = pass(files, backend, plan, null, Measurements.PLENTY);
            List<LevelResult> results = pass.run();
            for (int f = 0; f < files.size(); f++) {
                LevelResult alone = Measurements.run(files.get(f), backend, plan, "fp32", Measurements.PLENTY)
                        .getFirst();
                assertArrayEquals(alone.scores().nll(), results.get(f).scores().nll(), "file " + f);
            }
            int[] scored = plan.scoredRows(0);
            assertTrue(
                    Arrays.stream(scored).allMatch(r -> results.get(2).scores().kld()[r] == 0));
            assertTrue(divergence(results.get(1), scored) > 2 * divergence(results.get(3), scored));
            assertTrue(divergence(results.get(3), scored) > 0);
            assertEquals(pass.modelSha256().get(0), pass.modelSha256().get(2));
            assertTrue(!pass.modelSha256().get(0).equals(pass.modelSha256().get(1)));
            assertEquals(0, results.get(2).layerErrors()[model.spec().layers() - 1]);
            assertTrue(results.get(1).layerErrors()[0] > results.get(3).layerErrors()[0]);
            assertNull(pass.noiseFloor());
        }
    }

    private static double divergence(LevelResult result, int[] scored) {
        return Arrays.stream(scored).mapToDouble(r -> result.scores().kld()[r]).sum();
    }

    @Test
    void neitherThreadsNorMemoryChangeABit() throws IOException {
        try (Checkpoint model = Checkpoints.open(Measurements.builtinModel());
                Backend one = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1);
                Backend three = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 3)) {
            WindowPlan plan = plan(4096);
            List<Checkpoint> files = List.of(model, rounded(model, "int3"));
            ComparePass plenty = pass(files, three, plan, NOISE, Measurements.PLENTY);
            ComparePass little = pass(files, one, plan, NOISE, 0);
            double[] expected = plenty.run().get(1).scores().kld();
            assertArrayEquals(expected, little.run().get(1).scores().kld());
            assertTrue(little.spilled() && !plenty.spilled());
            assertArrayEquals(
                    plenty.noiseFloor().scores().kld(),
                    little.noiseFloor().scores().kld());
            Sweep sweep = new Sweep(
                            model, Measurements.resources(one), plan, null, Recipe.of(model, Level.parseList("fp32")))
                    .withNoiseFloor(NOISE);
            sweep.run();
            assertArrayEquals(
                    sweep.noiseFloor().scores().nll(),
                    little.noiseFloor().scores().nll(),
                    "the noise floor is the sweep's");
        }
    }
}
