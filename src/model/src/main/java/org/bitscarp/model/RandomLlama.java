package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitscarp.quant.MiniFloat;
import org.bitscarp.quant.NumberFormat;

/**
 * A Llama with random weights, to measure speed and memory on sizes that no built-in model has; its perplexity means nothing.
 *
 * @param tied whether the embedding is the output projection too
 * @param type FP32 or FP16, of all tensors
 */
public record RandomLlama(
        int hidden, int layers, int heads, int kvHeads, int ffn, int vocabulary, boolean tied, NumberFormat type) {
    /** The shape of Llama 2 with 7 billion weights (arXiv 2307.09288, table 1; sizes of its configuration), 13.5 GB. */
    public static final RandomLlama LLAMA_2_7B =
            new RandomLlama(4096, 32, 32, 32, 11008, 32000, false, NumberFormat.FP16);

    /** Standard deviation that keeps activations near one through many layers. */
    private static final double SPREAD = 0.02;
    /** Random values that are drawn; tensors are pieces of them from random places on. */
    private static final int DRAWN = 1 << 20;

    /** Bytes of all weights. */
    public long bytes() {
        return tensors().stream().mapToLong(SafetensorsWriter.Tensor::byteSize).sum();
    }

    /**
     * Writes a Hugging Face folder.
     *
     * @param tokenizer a folder whose tokenizer it gets, with at most as many tokens
     */
    public void write(Path tokenizer, Path out) throws IOException {
        Files.createDirectories(out);
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(tokenizer.resolve(file), out.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(out.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
                 "max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu",
                 "tie_word_embeddings": %b, "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "%s"}
                """.formatted(
                        hidden,
                        ffn,
                        layers,
                        heads,
                        kvHeads,
                        vocabulary,
                        tied,
                        type == NumberFormat.FP32 ? "float32" : "float16"));
        SplittableRandom random = new SplittableRandom(146);
        try (Arena arena = Arena.ofConfined();
                SafetensorsWriter writer =
                        new SafetensorsWriter(out.resolve("model.safetensors"), tensors(), Map.of("format", "pt"))) {
            MemorySegment drawn = arena.allocate((long) DRAWN * elementBytes(), 64);
            for (int i = 0; i < DRAWN; i++) {
                set(drawn, i, (float) (random.nextGaussian() * SPREAD));
            }
            for (SafetensorsWriter.Tensor tensor : writer.order()) {
                try (Arena each = Arena.ofConfined()) {
                    writer.write(values(tensor, drawn, random, each));
                }
            }
            writer.finish();
        }
    }

    private MemorySegment values(
            SafetensorsWriter.Tensor tensor, MemorySegment drawn, SplittableRandom random, Arena arena) {
        MemorySegment values = arena.allocate(tensor.byteSize(), 64);
        if (tensor.shape().size() == 1) {
            for (long i = 0; i < tensor.byteSize() / elementBytes(); i++) {
                set(values, i, 1);
            }
            return values;
        }
        for (long done = 0; done < values.byteSize(); ) {
            long from = (long) random.nextInt(DRAWN / 2) * elementBytes();
            long n = Math.min(drawn.byteSize() / 2, values.byteSize() - done);
            MemorySegment.copy(drawn, from, values, done, n);
            done += n;
        }
        return values;
    }

    private int elementBytes() {
        return type == NumberFormat.FP32 ? 4 : 2;
    }

    private void set(MemorySegment target, long index, float value) {
        if (type == NumberFormat.FP32) {
            target.setAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, index, value);
        } else {
            target.setAtIndex(java.lang.foreign.ValueLayout.JAVA_SHORT, index, (short) MiniFloat.FP16.encode(value));
        }
    }

    private List<SafetensorsWriter.Tensor> tensors() {
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        int kv = hidden / heads * kvHeads;
        add(tensors, "model.embed_tokens.weight", vocabulary, hidden);
        add(tensors, "model.norm.weight", hidden);
        if (!tied) {
            add(tensors, "lm_head.weight", vocabulary, hidden);
        }
        for (int layer = 0; layer < layers; layer++) {
            String name = "model.layers." + layer + ".";
            add(tensors, name + "input_layernorm.weight", hidden);
            add(tensors, name + "self_attn.q_proj.weight", hidden, hidden);
            add(tensors, name + "self_attn.k_proj.weight", kv, hidden);
            add(tensors, name + "self_attn.v_proj.weight", kv, hidden);
            add(tensors, name + "self_attn.o_proj.weight", hidden, hidden);
            add(tensors, name + "post_attention_layernorm.weight", hidden);
            add(tensors, name + "mlp.gate_proj.weight", ffn, hidden);
            add(tensors, name + "mlp.up_proj.weight", ffn, hidden);
            add(tensors, name + "mlp.down_proj.weight", hidden, ffn);
        }
        return tensors;
    }

    private void add(List<SafetensorsWriter.Tensor> tensors, String name, long... shape) {
        tensors.add(new SafetensorsWriter.Tensor(
                name, type, Arrays.stream(shape).boxed().toList()));
    }
}
