package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredBlocks;
import org.bitscarp.quant.StoredFormat;
import org.bitscarp.quant.ggml.GgmlFormat;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A Hugging Face folder of a Llama model with a GPT-2 tokenizer as a GGUF file, as llama.cpp's converter makes it. */
public final class GgufConversion {
    private GgufConversion() {}

    /**
     * @param linear type of the linear maps in layers, and of the embedding: plain numbers or one of ggml's blocks
     * @param decoded whether blocks are written as the fp32 values that they stand for
     */
    public static Path write(Checkpoint source, StoredFormat linear, boolean decoded, Path target) throws IOException {
        DecoderSpec spec = source.spec();
        GgufBytes file = new GgufBytes()
                .string("general.architecture", "llama")
                .u32("llama.block_count", spec.layers())
                .u32("llama.context_length", spec.maxPositions())
                .u32("llama.embedding_length", spec.hidden())
                .u32("llama.feed_forward_length", spec.mlp().width())
                .u32("llama.attention.head_count", spec.attention().heads())
                .u32("llama.attention.head_count_kv", spec.attention().kvHeads())
                .u32("llama.rope.dimension_count", spec.attention().headDim())
                .f32("llama.attention.layer_norm_rms_epsilon", spec.norm().epsilon());
        tokenizer(file, source.path().resolve("tokenizer.json"));
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                TensorInfo info = source.tensor(role, layer).orElse(null);
                if (info == null) {
                    continue;
                }
                float[] values = values(source, info);
                if (role == TensorRole.QUERY || role == TensorRole.KEY) {
                    values = interleaved(
                            values,
                            role == TensorRole.QUERY
                                    ? spec.attention().heads()
                                    : spec.attention().kvHeads(),
                            spec.attention().headDim());
                }
                StoredFormat format = role.linear() || role == TensorRole.EMBEDDING ? linear : NumberFormat.FP32;
                byte[] stored = encode(format, values);
                if (decoded) {
                    MemorySegment floats = MemorySegment.ofArray(values);
                    format.decode(MemorySegment.ofArray(stored), 0, values.length, floats, 0);
                    format = NumberFormat.FP32;
                    stored = encode(format, values);
                }
                file.tensor(TinyGguf.name(info.name()), type(format), info.shape(), stored);
            }
        }
        return Files.write(target, file.build());
    }

    private static float[] values(Checkpoint source, TensorInfo info) throws IOException {
        float[] values = new float[Math.toIntExact(info.size())];
        try (Arena arena = Arena.ofConfined()) {
            info.format()
                    .decode(
                            source.map(info, 0, info.rows(), arena),
                            0,
                            values.length,
                            MemorySegment.ofArray(values),
                            0);
        }
        return values;
    }

    /** Row {@code j × half + i} of a head becomes row {@code 2i + j}. */
    static float[] interleaved(float[] values, int heads, int headDim) {
        int columns = values.length / (heads * headDim);
        float[] result = new float[values.length];
        for (int row = 0; row < heads * headDim; row++) {
            int inHead = row % headDim;
            int moved = row - inHead + inHead % (headDim / 2) * 2 + inHead / (headDim / 2);
            System.arraycopy(values, row * columns, result, moved * columns, columns);
        }
        return result;
    }

    private static byte[] encode(StoredFormat format, float[] values) {
        byte[] bytes = new byte[Math.toIntExact(format.byteSize(values.length))];
        MemorySegment target = MemorySegment.ofArray(bytes);
        switch (format) {
            case NumberFormat number -> {
                for (int i = 0; i < values.length; i++) {
                    number.put(target, (long) i * number.bytes(), values[i]);
                }
            }
            case StoredBlocks blocks -> {
                int length = blocks.pieceLength();
                int[] codes = new int[length];
                for (int at = 0; at < values.length; at += length) {
                    Grid grid = blocks.format().fit(values, at, length);
                    for (int i = 0; i < length; i++) {
                        codes[i] = grid.nearest(i, values[at + i]);
                    }
                    blocks.format().encode(grid, codes, length, target, (long) at / length * blocks.pieceBytes());
                }
            }
        }
        return bytes;
    }

    private static int type(StoredFormat format) {
        return switch (format) {
            case StoredBlocks blocks -> ((GgmlFormat) blocks.format()).id();
            case NumberFormat number -> TinyGguf.type(number);
        };
    }

    private static void tokenizer(GgufBytes file, Path json) throws IOException {
        JsonNode root = JsonMapper.shared().readTree(Files.readString(json));
        JsonNode vocab = root.get("model").get("vocab");
        String[] tokens = new String[vocab.size()];
        vocab.forEachEntry((token, id) -> tokens[id.intValue()] = token);
        int[] types = IntStream.range(0, tokens.length).map(i -> 1).toArray();
        for (JsonNode added : root.get("added_tokens")) {
            types[added.get("id").intValue()] = 3;
        }
        List<String> merges = StreamSupport.stream(
                        root.get("model").get("merges").spliterator(), false)
                .map(JsonNode::stringValue)
                .toList();
        file.string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", "gpt-2")
                .strings("tokenizer.ggml.tokens", List.of(tokens))
                .ints("tokenizer.ggml.token_type", types)
                .strings("tokenizer.ggml.merges", merges);
    }
}
