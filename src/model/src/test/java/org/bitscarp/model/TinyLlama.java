package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.bitscarp.quant.NumberFormat;

/**
 * Small random Llama models on disk, for tests of this and other modules: the same seed gives the same bytes. Weights
 * are normal with standard deviation {@code 1 / sqrt(columns)}, norms are near 1, biases small.
 */
public final class TinyLlama {
    private int vocabulary = 300;
    private int hidden = 32;
    private int layers = 2;
    private int heads = 4;
    private int kvHeads = 2;
    private Integer headDim;
    private int ffn = 48;
    private boolean tied = true;
    private boolean biases;
    private int shards = 1;
    private NumberFormat format = NumberFormat.FP32;
    private String ropeScaling = "null";
    private long seed = 1;

    public TinyLlama vocabulary(int value) {
        vocabulary = value;
        return this;
    }

    public TinyLlama hidden(int value) {
        hidden = value;
        return this;
    }

    public TinyLlama layers(int value) {
        layers = value;
        return this;
    }

    /** @param kv key and value heads; divides {@code queries} */
    public TinyLlama heads(int queries, int kv) {
        heads = queries;
        kvHeads = kv;
        return this;
    }

    /** Explicit, so that it need not be hidden / heads. */
    public TinyLlama headDim(int value) {
        headDim = value;
        return this;
    }

    public TinyLlama ffn(int value) {
        ffn = value;
        return this;
    }

    public TinyLlama tied(boolean value) {
        tied = value;
        return this;
    }

    /** Both attention and MLP biases. */
    public TinyLlama biases(boolean value) {
        biases = value;
        return this;
    }

    /** One file, or this many with an index. */
    public TinyLlama shards(int value) {
        shards = value;
        return this;
    }

    public TinyLlama format(NumberFormat value) {
        format = value;
        return this;
    }

    /** JSON of {@code rope_scaling}. */
    public TinyLlama ropeScaling(String json) {
        ropeScaling = json;
        return this;
    }

    public TinyLlama seed(long value) {
        seed = value;
        return this;
    }

    public String config() {
        return """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
                 "num_key_value_heads": %d, "head_dim": %s, "vocab_size": %d, "max_position_embeddings": 256,
                 "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "rope_scaling": %s, "hidden_act": "silu",
                 "attention_bias": %s, "mlp_bias": %s, "tie_word_embeddings": %s, "bos_token_id": 0}
                """.formatted(
                        hidden, ffn, layers, heads, kvHeads, headDim, vocabulary, ropeScaling, biases, biases, tied);
    }

    /** Tensors by name, in the order of a forward pass. */
    public List<SafetensorsWriter.Tensor> tensors() {
        long queries = (long) heads * (headDim == null ? hidden / heads : headDim);
        long keys = queries / heads * kvHeads;
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", List.of((long) vocabulary, (long) hidden));
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            shapes.put(prefix + "input_layernorm.weight", List.of((long) hidden));
            linear(shapes, prefix + "self_attn.q_proj", queries, hidden);
            linear(shapes, prefix + "self_attn.k_proj", keys, hidden);
            linear(shapes, prefix + "self_attn.v_proj", keys, hidden);
            linear(shapes, prefix + "self_attn.o_proj", hidden, queries);
            shapes.put(prefix + "post_attention_layernorm.weight", List.of((long) hidden));
            linear(shapes, prefix + "mlp.gate_proj", ffn, hidden);
            linear(shapes, prefix + "mlp.up_proj", ffn, hidden);
            linear(shapes, prefix + "mlp.down_proj", hidden, ffn);
        }
        shapes.put("model.norm.weight", List.of((long) hidden));
        if (!tied) {
            shapes.put("lm_head.weight", List.of((long) vocabulary, (long) hidden));
        }
        return shapes.entrySet().stream()
                .map(e -> new SafetensorsWriter.Tensor(e.getKey(), format, e.getValue()))
                .toList();
    }

    private void linear(Map<String, List<Long>> shapes, String name, long out, long in) {
        shapes.put(name + ".weight", List.of(out, in));
        if (biases) {
            shapes.put(name + ".bias", List.of(out));
        }
    }

    /** Values of a tensor before they are rounded to the format. */
    public double[] values(SafetensorsWriter.Tensor tensor) {
        SplittableRandom random = new SplittableRandom(seed * 31 + tensor.name().hashCode());
        List<Long> shape = tensor.shape();
        double[] values = new double[Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact))];
        double scale = shape.size() == 2 ? 1 / Math.sqrt(shape.get(1)) : 0.1;
        double mean = tensor.name().contains("norm") ? 1 : 0;
        for (int i = 0; i < values.length; i++) {
            values[i] = mean + scale * random.nextGaussian();
        }
        return values;
    }

    /** Writes {@code config.json} and the weights into an existing folder; no tokenizer. */
    public Path write(Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), config());
        List<SafetensorsWriter.Tensor> tensors = tensors();
        if (shards == 1) {
            writeFile(folder.resolve("model.safetensors"), tensors);
            return folder;
        }
        Map<String, String> weightMap = new LinkedHashMap<>();
        for (int shard = 0; shard < shards; shard++) {
            String file = String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", shard + 1, shards);
            List<SafetensorsWriter.Tensor> part =
                    tensors.subList(shard * tensors.size() / shards, (shard + 1) * tensors.size() / shards);
            writeFile(folder.resolve(file), part);
            part.forEach(tensor -> weightMap.put(tensor.name(), file));
        }
        String entries = weightMap.entrySet().stream()
                .map(e -> "\"" + e.getKey() + "\": \"" + e.getValue() + "\"")
                .collect(Collectors.joining(",\n  "));
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\n  " + entries + "}}");
        return folder;
    }

    private void writeFile(Path file, List<SafetensorsWriter.Tensor> tensors) throws IOException {
        try (SafetensorsWriter writer = new SafetensorsWriter(file, new ArrayList<>(tensors), Map.of("format", "pt"))) {
            for (SafetensorsWriter.Tensor tensor : writer.order()) {
                writer.write(MemorySegment.ofArray(encode(tensor.format(), values(tensor))));
            }
            writer.finish();
        }
    }

    /** Values as stored bytes. Cut off, not rounded, to the narrow formats: for random weights that is as good. */
    static byte[] encode(NumberFormat format, double[] values) {
        ByteBuffer out = ByteBuffer.allocate(values.length * format.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            short half = Float.floatToFloat16((float) value);
            switch (format) {
                case FP64 -> out.putDouble(value);
                case FP32 -> out.putFloat((float) value);
                case FP16 -> out.putShort(half);
                case BF16 -> out.putShort((short) (Float.floatToRawIntBits((float) value) >>> 16));
                // E5M2 is the upper byte of a half; E4M3 has one exponent bit less (bias 7, not 15).
                case FP8_E5M2 -> out.put((byte) (half >> 8));
                case FP8_E4M3 ->
                    out.put((byte) (half >> 8 & 0x80
                            | (Math.abs(value) < 1.0 / 64 ? 0 : (Math.min(half & 0x7FFF, 0x5F00) - (8 << 10)) >> 7)));
            }
        }
        return out.array();
    }
}
