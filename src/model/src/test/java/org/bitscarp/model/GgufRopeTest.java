package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rotary embedding of GGUF files; where both can say the same, against the reader of Hugging Face folders. */
class GgufRopeTest {
    private static final double[] PLAIN = {1, 0.1, 0.01, 0.001};

    @TempDir
    Path folder;

    private static GgufBytes model() {
        return TinyGguf.model(new TinyLlama(), NumberFormat.FP16);
    }

    private Rope rope(GgufBytes file) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(Files.write(folder.resolve("m.gguf"), file.build()))) {
            return checkpoint.spec().attention().rope();
        }
    }

    private Rope huggingFace(String scaling) throws IOException {
        Path other = Files.createDirectories(folder.resolve("hf"));
        try (Checkpoint checkpoint =
                Checkpoints.open(new TinyLlama().ropeScaling(scaling).write(other))) {
            return checkpoint.spec().attention().rope();
        }
    }

    private static double[] divided(double... divisors) {
        double[] result = PLAIN.clone();
        for (int i = 0; i < result.length; i++) {
            result[i] /= divisors[Math.min(i, divisors.length - 1)];
        }
        return result;
    }

    @Test
    void linear() throws IOException {
        assertArrayEquals(
                divided(4), rope(model().f32("llama.rope.scaling.factor", 4)).inverseFrequencies(), 1e-15);
        assertArrayEquals(
                divided(2), rope(model().f32("llama.rope.scale_linear", 2)).inverseFrequencies(), 1e-15);
        assertArrayEquals(
                PLAIN,
                rope(model().string("llama.rope.scaling.type", "none").f32("llama.rope.scaling.factor", 4))
                        .inverseFrequencies(),
                1e-15);
    }

    @Test
    void divisorsOfEachPair() throws IOException {
        byte[] divisors = TinyLlama.encode(NumberFormat.FP32, new double[] {1, 2, 4, 8});
        double[] found = rope(model().tensor("rope_freqs.weight", 0, List.of(4L), divisors))
                .inverseFrequencies();
        assertArrayEquals(divided(1, 2, 4, 8), found, 1e-15);
        assertThrows(
                ModelException.class, () -> rope(model().tensor("rope_freqs.weight", 0, List.of(2L), new byte[8])));
        assertThrows(
                ModelException.class,
                () -> rope(model().tensor("rope_freqs.weight", 0, List.of(4L), new byte[16])),
                "division by zero");
    }

    @Test
    void yarn() throws IOException {
        Rope expected =
                huggingFace("{\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 64}");
        Rope found = rope(model().string("llama.rope.scaling.type", "yarn")
                .f32("llama.rope.scaling.factor", 4)
                .u32("llama.rope.scaling.original_context_length", 64));
        assertArrayEquals(expected.inverseFrequencies(), found.inverseFrequencies(), 1e-12);
        assertEquals(expected.attentionFactor(), found.attentionFactor(), 1e-12);
        assertEquals(1 + 0.1 * Math.log(4), found.attentionFactor(), 1e-12);
    }

    @Test
    void refusals() {
        assertThrows(ModelException.class, () -> rope(model().string("llama.rope.scaling.type", "longrope")));
        assertThrows(ModelException.class, () -> rope(model().f32("llama.rope.freq_base", 0)));
        assertThrows(ModelException.class, () -> rope(model().f32("llama.rope.freq_base", Double.NaN)));
        assertThrows(ModelException.class, () -> rope(model().f32("llama.rope.scaling.factor", -1)));
    }
}
