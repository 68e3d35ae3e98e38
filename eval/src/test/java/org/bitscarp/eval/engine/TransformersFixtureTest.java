package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.ScalarBackend;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Small random models of every architecture and kind of configuration against Hugging Face transformers: grouped
 * queries, untied heads, biases, odd head widths, windows shorter than the text, soft caps, experts, each rope scaling on
 * both sides of its threshold, each stored type, shards. Provenance in each {@code expected.json}.
 */
class TransformersFixtureTest {
    private static final Path FOLDER = Path.of("src/test/resources/fixtures");
    /**
     * Two fp32 implementations of these models differ by up to 4e-5 in a logit (the spread that expected.json records
     * between transformers and a float64 forward pass); a wrong rope scaling moves logits by 7 or more.
     */
    private static final double TOLERANCE = 2e-4;

    static Stream<Path> fixtures() throws IOException {
        try (Stream<Path> folders = Files.list(FOLDER)) {
            return folders.sorted().toList().stream();
        }
    }

    @Test
    void thereAreFixtures() throws IOException {
        assertEquals(39, fixtures().count());
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void everyTokenScoresAsInTransformers(Path folder) throws IOException {
        check(folder, folder, new ScalarBackend());
        check(folder, folder, CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2));
        check(folder, folder, CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2));
        check(folder, folder, new CudaBackend(GpuDevices.emulated(), 1 << 28, ComputeType.FP32, 2));
    }

    /**
     * Scores a model and compares.
     *
     * @param model a fixture, or a copy of it in another container
     * @param folder the fixture with what transformers makes of it
     */
    static void check(Path model, Path folder, Backend backend) throws IOException {
        JsonNode expected = JsonMapper.shared().readTree(Files.readString(folder.resolve("expected.json")));
        int[] tokens =
                expected.get("tokens").valueStream().mapToInt(JsonNode::asInt).toArray();
        double[] nll = expected.get("nll")
                .valueStream()
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        try (backend;
                Checkpoint checkpoint = Checkpoints.open(model)) {
            List<LevelResult> results = Measurements.run(
                    checkpoint, backend, Measurements.plan(tokens, tokens.length), "fp32", Measurements.PLENTY);
            double[] found = results.getFirst().scores().nll();
            assertEquals(nll.length + 1, found.length);
            for (int i = 0; i < nll.length; i++) {
                double error = Math.abs(nll[i] - found[i]);
                assertTrue(
                        error <= TOLERANCE,
                        folder.getFileName() + " on " + backend.name() + ", token " + (i + 1) + ": expected " + nll[i]
                                + " found " + found[i] + ", " + 100 * error / TOLERANCE + " % of the tolerance");
            }
        }
    }
}
