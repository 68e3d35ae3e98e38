package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.GgufConversion;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredBlocks;
import org.bitscarp.quant.StoredFormat;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GGUF files go through the same engine as Hugging Face folders. */
class GgufEngineTest {
    /**
     * Two runs may add the lanes of a vector in different orders, and reordered heads add 32 products of each attention
     * score in another one: some units in the last place of fp32, 6e-8, through six layers.
     */
    private static final double REORDERED = 1e-5;

    private static final int CONTEXT = 64;

    @TempDir
    Path folder;

    private static double[] scores(Path model) throws IOException {
        int[] tokens = new SplittableRandom(5).ints(6 * CONTEXT, 0, 4096).toArray();
        WindowPlan plan = Measurements.plan(tokens, CONTEXT);
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            return Measurements.run(checkpoint, backend, plan, "fp32", Measurements.PLENTY)
                    .getFirst()
                    .scores()
                    .nll();
        }
    }

    private Path convert(StoredFormat format, boolean decoded, String name) throws IOException {
        try (Checkpoint source = Checkpoints.open(Measurements.builtinModel())) {
            return GgufConversion.write(source, format, decoded, folder.resolve(name));
        }
    }

    @Test
    void plainFileScoresAsItsFolder() throws IOException {
        assertSame(scores(Measurements.builtinModel()), scores(convert(NumberFormat.FP32, false, "plain.gguf")));
    }

    private static void assertSame(double[] expected, double[] found) {
        assertEquals(expected.length, found.length);
        for (int i = 0; i < expected.length; i++) {
            // The last token of a window predicts nothing.
            assertEquals(Double.isNaN(expected[i]), Double.isNaN(found[i]), "token " + i);
            if (!Double.isNaN(expected[i])) {
                assertEquals(expected[i], found[i], REORDERED * Math.max(1, expected[i]), "token " + i);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"q8_0", "q4_k", "iq4_nl"})
    void blocksScoreAsTheValuesThatTheyStandFor(String type) throws IOException {
        GgmlFormat format = GgmlTypes.byName(type).orElseThrow();
        StoredFormat stored = new StoredBlocks(format, format.blockLength());
        Path blocks = convert(stored, false, "blocks.gguf");
        Path values = convert(stored, true, "values.gguf");
        assertSame(scores(values), scores(blocks));
        assertTrue(blocks.toFile().length() < values.toFile().length() / 3, "it is smaller");
    }
}
