package org.bitscarp.model.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.GgufConversion;
import org.bitscarp.model.ModelDigests;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import org.bitscarp.model.SharedFiles;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TinyGguf;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.internal.architectures.ConfigWriter;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredBlocks;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

class HuggingFaceConvertTest {
    private static final String TEXT = "The the  12345 é 日本\n\t🚀 it's a test";

    @TempDir
    Path folder;

    private Path source(TinyLlama llama) throws IOException {
        Path source = llama.vocabulary(4096).write(Files.createDirectories(folder.resolve("source")));
        Path model = Path.of(System.getProperty("bitscarp.checkout", "../..")).resolve("datasets/models/prose-6m");
        Files.copy(model.resolve("tokenizer.json"), source.resolve("tokenizer.json"));
        return source;
    }

    private Path gguf(Path source) throws IOException {
        Path file = folder.resolve("m.gguf");
        try (Checkpoint checkpoint = Checkpoints.open(source)) {
            GgufConvert.convert(GgufModel.of(checkpoint), file, false, "test");
        }
        return file;
    }

    private Path back(Path file, boolean dequantize, long shardBytes) throws IOException {
        Path target = folder.resolve("back");
        try (Checkpoint checkpoint = Checkpoints.open(file)) {
            HuggingFaceConvert.convert(checkpoint, target, dequantize, shardBytes);
        }
        return target;
    }

    /** Type, shape and bytes of all tensors. */
    private static Map<String, String> tensors(Path model) throws IOException {
        Map<String, String> tensors = new TreeMap<>();
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Arena arena = Arena.ofShared()) {
            for (TensorInfo tensor : checkpoint.tensors()) {
                MemorySegment bytes = checkpoint.map(tensor, 0, tensor.rows(), arena);
                long hash = 1;
                for (long i = 0; i < bytes.byteSize(); i++) {
                    hash = 31 * hash + bytes.get(ValueLayout.JAVA_BYTE, i);
                }
                tensors.put(tensor.name(), tensor.format() + " " + tensor.shape() + " " + hash);
            }
        }
        return tensors;
    }

    private static int[] tokens(Path model) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            return tokenizer.encode(TEXT, true);
        }
    }

    @ParameterizedTest
    @CsvSource({"BF16,false,false", "FP16,true,false", "FP32,true,true"})
    void thereAndBackIsTheSameModel(NumberFormat format, boolean tied, boolean biases) throws IOException {
        Path first = source(new TinyLlama().format(format).tied(tied).biases(biases));
        Path second = back(gguf(first), false, Long.MAX_VALUE);
        assertEquals(tensors(first), tensors(second));
        assertArrayEquals(tokens(first), tokens(second));
        assertTrue(Files.exists(second.resolve("model.safetensors")));
    }

    /** As llama.cpp's converter looks for them: the configuration first, then a file of their own. */
    @Test
    void chatTemplates() throws IOException {
        Path first = source(new TinyLlama());
        Files.writeString(first.resolve("chat_template.jinja"), "{{ a }}\n");
        assertEquals("\"{{ a }}\\n\"", template(back(gguf(first), false, Long.MAX_VALUE)));
        String list = "[{\"name\":\"default\",\"template\":\"{{ b }}\"},"
                + "{\"name\":\"tool_use\",\"template\":\"{% if é %}\"}]";
        Files.writeString(first.resolve("tokenizer_config.json"), "{\"chat_template\": " + list + "}");
        Path file = folder.resolve("two.gguf");
        try (Checkpoint checkpoint = Checkpoints.open(first)) {
            GgufConvert.convert(GgufModel.of(checkpoint), file, false, "test");
        }
        try (Checkpoint checkpoint = Checkpoints.open(file)) {
            HuggingFaceConvert.convert(checkpoint, folder.resolve("two"), false);
        }
        assertEquals(list, template(folder.resolve("two")));
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertTrue(bytes.contains("tokenizer.chat_template.tool_use") && bytes.contains("tokenizer.chat_templates"));
    }

    private static String template(Path model) {
        return JsonMapper.shared()
                .readTree(model.resolve("tokenizer_config.json"))
                .path("chat_template")
                .toString();
    }

    @Test
    void linearScalingAndShards() throws IOException {
        Path first = source(new TinyLlama().ropeScaling("{\"rope_type\": \"linear\", \"factor\": 4.0}"));
        Path second = back(gguf(first), false, 10_000);
        assertTrue(Files.exists(second.resolve("model.safetensors.index.json")));
        assertEquals(tensors(first), tensors(second));
        try (Checkpoint before = Checkpoints.open(first);
                Checkpoint after = Checkpoints.open(second)) {
            assertArrayEquals(
                    before.spec().attention().rope().inverseFrequencies(),
                    after.spec().attention().rope().inverseFrequencies(),
                    1e-7);
        }
    }

    @Test
    void blocksAreDecodedWhereThatIsAsked() throws IOException {
        Path file = folder.resolve("q.gguf");
        try (Checkpoint checkpoint = Checkpoints.open(source(new TinyLlama().ffn(64)))) {
            GgmlFormat blocks = GgmlTypes.byName("q8_0").orElseThrow();
            GgufConversion.write(checkpoint, new StoredBlocks(blocks, blocks.blockLength()), false, file);
        }
        String refusal = assertThrows(ModelException.class, () -> back(file, false, Long.MAX_VALUE))
                .getMessage();
        assertTrue(refusal.contains("Q8_0") && refusal.contains("--dequantize"), refusal);
        assertFalse(Files.exists(folder.resolve("back")));
        assertEquals(ModelDigests.of(file), ModelDigests.of(back(file, true, Long.MAX_VALUE)));
    }

    @Test
    void sentencePieces() throws IOException {
        Path file = folder.resolve("s.gguf");
        Files.write(
                file,
                TinyGguf.weights(TinyGguf.sentencePieces(TinyGguf.metadata()), new TinyLlama(), NumberFormat.FP16)
                        .build());
        assertArrayEquals(tokens(file), tokens(back(file, false, Long.MAX_VALUE)));
    }

    @Test
    void llama2c() throws IOException {
        Path file = SharedFiles.require("models/stories260K/checkpoint_legacy.bin");
        Path folder = back(file, false, Long.MAX_VALUE);
        assertEquals(ModelDigests.of(file), ModelDigests.of(folder));
        assertArrayEquals(tokens(file), tokens(folder));
    }

    /** A GGUF file has divisors only; they come back, as a formula where one gives them. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "yarn|{'rope_type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 64}",
                "yarn with its own factor|{'rope_type': 'yarn', 'factor': 4.0, 'attention_factor': 1.5,"
                        + " 'original_max_position_embeddings': 64}",
                "llama3|{'rope_type': 'llama3', 'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0,"
                        + " 'original_max_position_embeddings': 64}"
            })
    void otherScalings(String name, String scaling) throws IOException {
        Path first = source(new TinyLlama().ropeScaling(scaling.replace('\'', '"')));
        Path second = back(gguf(first), false, Long.MAX_VALUE);
        assertEquals(tensors(first), tensors(second));
        Path third = folder.resolve("again.gguf");
        try (Checkpoint before = Checkpoints.open(first);
                Checkpoint after = Checkpoints.open(second)) {
            Rope expected = before.spec().attention().rope();
            Rope found = after.spec().attention().rope();
            assertArrayEquals(expected.inverseFrequencies(), found.inverseFrequencies(), 1e-7);
            assertEquals(expected.attentionFactor(), found.attentionFactor(), 1e-6);
            assertNull(found.beyond());
            GgufConvert.convert(GgufModel.of(after), third, false, "test");
        }
        assertEquals(ModelDigests.of(first), ModelDigests.of(third));
    }

    @Test
    void whatCannotBeSaidIsRefused() throws IOException {
        Path source = source(new TinyLlama());
        assertTrue(assertThrows(ModelException.class, () -> back(source, false, 1))
                .getMessage()
                .contains("already"));
        Path file = folder.resolve("w.gguf");
        Files.write(
                file,
                TinyGguf.model(new TinyLlama(), NumberFormat.FP16)
                        .u32("llama.attention.sliding_window", 8)
                        .u32("llama.attention.sliding_window_pattern", 2)
                        .build());
        assertTrue(assertThrows(ModelException.class, () -> back(file, false, 1))
                .getMessage()
                .contains("windows"));
        Rope rope = new Rope(new double[] {1, 0.01}, 1);
        DecoderSpec opt = DecoderSpec.llama("opt", 10, 8, 1, AttentionSpec.full(2, 1, 4, rope), 16, 1e-5f, true, 64);
        assertTrue(assertThrows(ModelException.class, () -> ConfigWriter.write(folder, opt, false, false))
                .getMessage()
                .contains("architecture opt cannot be written"));
    }

    /** Whatever a file says: a folder that opens, or a message and no folder. */
    @Test
    void damagedMetadata() throws IOException {
        byte[] original = TinyGguf.weights(
                        TinyGguf.sentencePieces(TinyGguf.metadata()), new TinyLlama(), NumberFormat.FP16)
                .build();
        SplittableRandom random = new SplittableRandom(20261125);
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] damaged = original.clone();
            // Keys, tokens, types and scores lie in the first kilobytes.
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                damaged[random.nextInt(9_000)] = (byte) random.nextInt(256);
            }
            Path file = Files.write(folder.resolve("d.gguf"), damaged);
            Path target = folder.resolve("d" + i);
            try (Checkpoint checkpoint = Checkpoints.open(file)) {
                HuggingFaceConvert.convert(checkpoint, target, false);
                Checkpoints.open(target).close();
            } catch (ModelException e) {
                refused++;
                assertFalse(Files.exists(target), "change " + i + ": " + e.getMessage());
            }
        }
        assertTrue(refused > 10 && refused < 290, refused + " refused");
    }
}
