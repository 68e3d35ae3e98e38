package org.bitscarp.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.quant.NumberFormat;

/**
 * Writes a Llama with random fp32 weights as a Hugging Face folder, to measure speed and memory on sizes that no built-in
 * model has. The tokenizer (vocabulary 4096) is that of the built-in model.
 *
 * <pre>java … org.bitscarp.bench.RandomLlama TOKENIZER_FOLDER OUT [hidden layers heads kvHeads ffn]</pre>
 */
public final class RandomLlama {
    private static final int VOCABULARY = 4096;
    /** Standard deviation that keeps activations near one through many layers. */
    private static final double SPREAD = 0.02;

    private RandomLlama() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2 && arguments.length != 7) {
            System.err.println("usage: RandomLlama TOKENIZER_FOLDER OUT [hidden layers heads kvHeads ffn]");
            System.exit(2);
        }
        int[] shape = {1024, 12, 16, 8, 2816};
        for (int i = 2; i < arguments.length; i++) {
            shape[i - 2] = Integer.parseInt(arguments[i]);
        }
        write(Path.of(arguments[0]), Path.of(arguments[1]), shape[0], shape[1], shape[2], shape[3], shape[4]);
    }

    private static void write(Path tokenizer, Path out, int hidden, int layers, int heads, int kvHeads, int ffn)
            throws IOException {
        Files.createDirectories(out);
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(tokenizer.resolve(file), out.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(out.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
                 "max_position_embeddings": 2048, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu",
                 "tie_word_embeddings": true, "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "float32"}
                """.formatted(hidden, ffn, layers, heads, kvHeads, VOCABULARY));
        int kv = hidden / heads * kvHeads;
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        add(tensors, "model.embed_tokens.weight", VOCABULARY, hidden);
        add(tensors, "model.norm.weight", hidden);
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
        SplittableRandom random = new SplittableRandom(146);
        long parameters = 0;
        try (SafetensorsWriter writer =
                new SafetensorsWriter(out.resolve("model.safetensors"), tensors, Map.of("format", "pt"))) {
            for (SafetensorsWriter.Tensor tensor : writer.order()) {
                parameters += tensor.byteSize() / 4;
                try (Arena arena = Arena.ofConfined()) {
                    writer.write(values(tensor, random, arena));
                }
            }
            writer.finish();
        }
        System.out.println(out + ": " + parameters + " parameters");
    }

    private static void add(List<SafetensorsWriter.Tensor> tensors, String name, long... shape) {
        tensors.add(new SafetensorsWriter.Tensor(
                name, NumberFormat.FP32, java.util.Arrays.stream(shape).boxed().toList()));
    }

    private static MemorySegment values(SafetensorsWriter.Tensor tensor, SplittableRandom random, Arena arena) {
        MemorySegment values = arena.allocate(tensor.byteSize(), 4);
        boolean norm = tensor.shape().size() == 1;
        for (long i = 0; i < tensor.byteSize() / 4; i++) {
            float value = norm ? 1 : (float) (random.nextGaussian() * SPREAD);
            values.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
        return values;
    }
}
