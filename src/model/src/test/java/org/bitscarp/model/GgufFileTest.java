package org.bitscarp.model;

import static org.bitscarp.model.GgufBytes.concat;
import static org.bitscarp.model.GgufBytes.i32;
import static org.bitscarp.model.GgufBytes.i64;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The container: what is read, and what is refused with which words. */
class GgufFileTest {
    private static final int F32 = 0;
    private static final int Q8_0 = 8;

    @TempDir
    Path folder;

    private Path write(GgufBytes file) throws IOException {
        return Files.write(folder.resolve("m.gguf"), file.build());
    }

    private void refused(byte[] file, String... words) throws IOException {
        Path path = Files.write(folder.resolve("m.gguf"), file);
        String message =
                assertThrows(ModelException.class, () -> Checkpoints.open(path)).getMessage();
        assertTrue(message.startsWith(path.toString()), message);
        for (String word : words) {
            assertTrue(message.contains(word), () -> word + " in: " + message);
        }
    }

    private void refused(GgufBytes file, String... words) throws IOException {
        refused(file.build(), words);
    }

    private static GgufBytes model() {
        return TinyGguf.model(new TinyLlama(), NumberFormat.FP32);
    }

    @ParameterizedTest
    @EnumSource(names = {"FP64", "FP32", "FP16", "BF16"})
    void readsAModel(NumberFormat format) throws IOException {
        TinyLlama llama = new TinyLlama().biases(true).tied(false);
        try (Checkpoint checkpoint = Checkpoints.open(write(TinyGguf.model(llama, format)));
                Arena arena = Arena.ofConfined()) {
            DecoderSpec spec = checkpoint.spec();
            assertEquals("GGUF", checkpoint.container());
            assertEquals(
                    List.of(300, 32, 2, 4, 2, 8, 48, 256),
                    List.of(
                            spec.vocabulary(),
                            spec.hidden(),
                            spec.layers(),
                            spec.attention().heads(),
                            spec.attention().kvHeads(),
                            spec.attention().headDim(),
                            spec.mlp().width(),
                            spec.maxPositions()));
            assertEquals(1e-5f, spec.norm().epsilon());
            assertFalse(spec.tiedHead());
            assertArrayEquals(
                    new double[] {1, 0.1, 0.01, 0.001}, spec.attention().rope().inverseFrequencies(), 1e-15);
            assertEquals(llama.tensors().size(), checkpoint.tensors().size());
            TensorInfo down = checkpoint.tensor(TensorRole.DOWN, 1).orElseThrow();
            assertEquals("blk.1.ffn_down.weight", down.name());
            assertEquals(List.of(32L, 48L), down.shape());
            assertEquals(format, down.format());
            assertTrue(checkpoint.tensor(TensorRole.DOWN_BIAS, 1).isPresent());
            SafetensorsWriter.Tensor same = llama.tensors().stream()
                    .filter(t -> t.name().equals("model.layers.1.mlp.down_proj.weight"))
                    .findFirst()
                    .orElseThrow();
            byte[] row = checkpoint.map(down, 3, 1, arena).toArray(ValueLayout.JAVA_BYTE);
            byte[] all = TinyLlama.encode(format, llama.values(same));
            assertArrayEquals(Arrays.copyOfRange(all, 3 * row.length, 4 * row.length), row);
        }
    }

    @Test
    void aFolderWithOneFileStandsForIt() throws IOException {
        Path file = write(model());
        try (Checkpoint checkpoint = Checkpoints.open(folder);
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            assertEquals(file, checkpoint.path());
            // "`" is byte 96, and token 0 is the end of text.
            assertArrayEquals(new int[] {259, 260, 97}, tokenizer.encode(" the<special>`", false));
            assertEquals(" the<special>`", tokenizer.decode(tokenizer.encode(" the<special>`", true)));
            assertFalse(tokenizer.addsBos());
        }
    }

    @Test
    void hugeSparseFileOpensByItsHeader() throws IOException {
        long width = 8192;
        long ffn = 1 << 16;
        long vocabulary = 1 << 20;
        GgufBytes file = TinyGguf.metadata()
                .u32("llama.embedding_length", width)
                .u32("llama.feed_forward_length", ffn)
                .u32("llama.vocab_size", vocabulary)
                .u32("llama.block_count", 1)
                .u32("llama.attention.head_count_kv", 4)
                .u32("llama.rope.dimension_count", width / 4);
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        shapes.put("token_embd.weight", List.of(vocabulary, width));
        shapes.put("output_norm.weight", List.of(width));
        for (String linear : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            shapes.put("blk.0." + linear + ".weight", List.of(width, width));
        }
        shapes.put("blk.0.ffn_gate.weight", List.of(ffn, width));
        shapes.put("blk.0.ffn_up.weight", List.of(ffn, width));
        shapes.put("blk.0.ffn_down.weight", List.of(width, ffn));
        shapes.put("blk.0.attn_norm.weight", List.of(width));
        shapes.put("blk.0.ffn_norm.weight", List.of(width));
        long offset = 0;
        for (Map.Entry<String, List<Long>> tensor : shapes.entrySet()) {
            file.tensorAt(tensor.getKey(), F32, tensor.getValue(), offset);
            offset += tensor.getValue().stream().reduce(4L, Math::multiplyExact);
        }
        Path path = Files.write(folder.resolve("big.gguf"), file.build());
        try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
            sparse.setLength(sparse.length() + offset);
        }
        assertTrue(Files.size(path) > 40_000_000_000L);
        try (Checkpoint checkpoint = Checkpoints.open(path);
                Arena arena = Arena.ofConfined()) {
            assertEquals(offset / 4, checkpoint.parameters());
            TensorInfo last = checkpoint.tensor(TensorRole.MLP_NORM, 0).orElseThrow();
            assertEquals(Files.size(path), last.offset() + last.byteSize());
            assertEquals(4 * width, checkpoint.map(last, 0, 1, arena).byteSize());
            assertEquals(4 * width, checkpoint.bytesMapped(), "opening maps nothing");
        }
    }

    @Test
    void versionsAndByteOrder() throws IOException {
        refused(model().version(1), "GGUF version 1", "convert");
        refused(model().version(2), "GGUF version 2", "llama-quantize");
        refused(model().version(4), "GGUF version 4", "supported: 3");
        refused(model().version(Integer.reverseBytes(3)), "big-endian", "gguf-convert-endian");
        refused(new byte[0], "not a GGUF file");
        refused("GGML0000".getBytes(), "not a GGUF file");
    }

    @Test
    void lengthsThatTheFileDoesNotHave() throws IOException {
        byte[] start = concat("GGUF".getBytes(), i32(3));
        refused(concat(start, i64(1L << 60), i64(0)), "1152921504606846976 tensors");
        refused(concat(start, i64(-1), i64(0)), "18446744073709551615 tensors");
        refused(concat(start, i64(0), i64(1L << 60)), "metadata keys");
        refused(concat(start, i64(0), i64(1), i64(1L << 60)), "metadata key 0", "1152921504606846976");
        refused(concat(start, i64(0), i64(1), i64(60_000)), "metadata key 0", "60000 bytes");
        refused(model().raw("x", concat(i32(GgufBytes.STRING), i64(1L << 60))), "x needs");
        refused(model().raw("x", concat(i32(GgufBytes.STRING), i64(-1))), "x needs");
        for (int type = 0; type <= 12; type++) {
            refused(
                    model().raw("x", concat(i32(GgufBytes.ARRAY), i32(type), i64(1L << 60))),
                    "x has 1152921504606846976 values");
        }
        refused(model().raw("x", concat(i32(13), i64(0))), "unknown value type 13");
        refused(model().raw("x", concat(i32(GgufBytes.ARRAY), i32(-1), i64(0))), "unknown value type 4294967295");
        byte[] nested = new byte[0];
        for (int i = 0; i < 1000; i++) {
            nested = concat(nested, i32(GgufBytes.ARRAY), i64(1));
        }
        refused(model().raw("x", concat(i32(GgufBytes.ARRAY), nested)), "nested deeper");
    }

    @Test
    void arraysOfArraysAreSkipped() throws IOException {
        byte[] nested = concat(
                i32(GgufBytes.ARRAY),
                i32(GgufBytes.ARRAY),
                i64(2),
                i32(GgufBytes.UINT8),
                i64(3),
                new byte[3],
                i32(GgufBytes.STRING),
                i64(1),
                GgufBytes.text("a"));
        Checkpoints.open(write(model().raw("x", nested))).close();
    }

    @Test
    void doubledNames() throws IOException {
        byte[] twice = concat(
                "GGUF".getBytes(),
                i32(3),
                i64(0),
                i64(2),
                GgufBytes.text("a"),
                i32(0),
                new byte[1],
                GgufBytes.text("a"),
                i32(0),
                new byte[1]);
        refused(twice, "metadata key a is there twice");
        refused(
                model().tensor("output_norm.weight", F32, List.of(32L), new byte[128]),
                "output_norm.weight is listed twice");
    }

    @Test
    void tensorsWhereTheyCannotBe() throws IOException {
        refused(model().tensorAt("x", F32, List.of(32L), 1L << 40), "tensor x takes 128 bytes at offset 1099511627776");
        refused(model().tensorAt("x", F32, List.of(32L), Long.MAX_VALUE & -32), "tensor x takes");
        refused(model().tensorAt("x", F32, List.of(32L), -32), "tensor x is at offset 18446744073709551584");
        refused(model().tensorAt("x", F32, List.of(32L), 8), "multiple of the alignment 32");
        refused(model().tensorAt("x", F32, List.of(32L), 64), "inside tensor token_embd.weight");
        refused(model().tensorAt("x", F32, List.of(1L << 40, 1L << 40), 0), "tensor x of shape");
        refused(model().tensorAt("x", F32, List.of(-1L), 0), "a dimension of 18446744073709551615");
        refused(model().tensorAt("x", F32, List.of(1L, 1L, 1L, 1L, 1L), 0), "5 dimensions");
        refused(model().tensorAt("x", Q8_0, List.of(2L, 33L), 0), "blocks of 32");
        refused(model().tensorAt("x", 31, List.of(32L), 0), "unknown type 31");
        refused(model().tensorAt("x", -1, List.of(32L), 0), "unknown type 4294967295");
    }

    /** A number beside a map multiplies its outputs, as in NVFP4 files of llama.cpp. */
    @Test
    void scalesBesideMaps() throws IOException {
        byte[] scale = TinyLlama.encode(NumberFormat.FP32, new double[] {0.25});
        float[] plain = query(model());
        float[] scaled = query(model().tensor("blk.1.attn_q.scale", F32, List.of(1L), scale));
        for (int i = 0; i < plain.length; i++) {
            assertEquals(0.25f * plain[i], scaled[i]);
        }
        query(model().tensor("blk.1.attn_q.input_scale", F32, List.of(1L), scale));
        refused(model().tensor("blk.1.attn_q.scale", F32, List.of(2L), new byte[8]), "blk.1.attn_q.scale", "[1]");
        refused(model().tensor("blk.1.attn_q_norm.weight", F32, List.of(1L), scale), "attn_q_norm", "has no place");
        refused(model().tensor("blk.2.attn_q.bias", F32, List.of(1L), scale), "blk.2.attn_q.bias", "2 layers");
    }

    private float[] query(GgufBytes file) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(write(file));
                Arena arena = Arena.ofConfined()) {
            Weight query = checkpoint.weight(TensorRole.QUERY, 1).orElseThrow();
            MemorySegment values = arena.allocate(4 * query.size(), 4);
            query.read(0, 3, values, 0);
            query.read(3, query.rows() - 3, values, 4 * 3 * query.columns());
            return values.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void alignment() throws IOException {
        Checkpoints.open(write(model().alignment(64).u32("general.alignment", 64)))
                .close();
        refused(model().u32("general.alignment", 0), "general.alignment", "1 to");
        refused(model().u32("general.alignment", 48), "general.alignment", "a power of two");
        refused(model().string("general.alignment", "32"), "general.alignment", "UINT32");
        refused(model().u32("general.alignment", 1L << 31), "general.alignment", "UINT32 2147483648");
    }

    @Test
    void whatIsNoModel() throws IOException {
        refused(model().string("general.architecture", "mamba"), "architecture mamba", "supported: llama, qwen2");
        refused(model().remove("general.architecture"), "general.architecture is missing");
        refused(model().remove("llama.block_count"), "llama.block_count is missing");
        refused(model().u32("llama.block_count", 3), "blk.2.attn_norm.weight is missing");
        refused(model().u32("llama.vocab_size", 301), "token_embd.weight has shape [300, 32]", "[301, 32]");
        refused(model().u32("llama.expert_count", 8), "llama.expert_used_count is missing");
        refused(model().u32("llama.expert_count", 1L << 31), "llama.expert_count", "2147483648");
        refused(model().ints("llama.attention.head_count", 4, 4), "an array of 2 INT32");
        refused(model().u32("llama.attention.head_count_kv", 3), "a divisor");
        refused(model().u32("llama.rope.dimension_count", 4), "rotate as a whole");
        refused(
                model().raw("split.count", concat(i32(GgufBytes.UINT16), new byte[] {3, 0})),
                "one of 3 parts",
                "--merge");
    }

    @Test
    void blocksAreDecoded() throws IOException {
        // Q8_0: an fp16 scale and 32 signed bytes; here the scale is 1.
        int rows = 300;
        ByteBuffer blocks = ByteBuffer.allocate(rows * 34).order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < rows; row++) {
            blocks.putShort((short) 0x3C00);
            for (int i = 0; i < 32; i++) {
                blocks.put((byte) (row + i));
            }
        }
        GgufBytes mixed = TinyGguf.metadata().tensor("token_embd.weight", Q8_0, List.of(300L, 32L), blocks.array());
        for (SafetensorsWriter.Tensor tensor : new TinyLlama().tensors()) {
            if (!tensor.name().contains("embed")) {
                mixed.tensor(TinyGguf.name(tensor.name()), F32, tensor.shape(), new byte[(int) tensor.byteSize()]);
            }
        }
        try (Checkpoint checkpoint = Checkpoints.open(write(mixed));
                Arena arena = Arena.ofConfined()) {
            TensorInfo table = checkpoint.tensor(TensorRole.EMBEDDING, 0).orElseThrow();
            assertEquals("Q8_0", table.format().name());
            assertEquals(8.5, table.format().bitsPerValue());
            assertEquals(300L * 34, table.byteSize());
            var floats = arena.allocate(4 * 64);
            table.format().decode(checkpoint.map(table, 5, 2, arena), 0, 64, floats, 0);
            for (int i = 0; i < 64; i++) {
                assertEquals((byte) (5 + i / 32 + i % 32), floats.getAtIndex(ValueLayout.JAVA_FLOAT, i));
            }
        }
    }
}
