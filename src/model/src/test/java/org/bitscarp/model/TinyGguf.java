package org.bitscarp.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitscarp.quant.NumberFormat;

/**
 * A {@link TinyLlama} of default shape as a GGUF file, as llama.cpp's converter writes it: other names, the rows of query
 * and key reordered so that rotated pairs are neighbours. The tokenizer has the 256 bytes and three merges.
 */
public final class TinyGguf {
    private static final int HIDDEN = 32;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int VOCABULARY = 300;

    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.o_proj", "attn_output"),
            Map.entry("mlp.gate_proj", "ffn_gate"),
            Map.entry("mlp.up_proj", "ffn_up"),
            Map.entry("mlp.down_proj", "ffn_down"),
            Map.entry("input_layernorm", "attn_norm"),
            Map.entry("post_attention_layernorm", "ffn_norm"));

    private TinyGguf() {}

    /** Metadata of the architecture, no tensors, no tokenizer. */
    public static GgufBytes metadata() {
        return new GgufBytes()
                .string("general.architecture", "llama")
                .string("general.name", "tiny")
                .u32("llama.block_count", 2)
                .u32("llama.context_length", 256)
                .u32("llama.embedding_length", HIDDEN)
                .u32("llama.feed_forward_length", 48)
                .u32("llama.attention.head_count", HEADS)
                .u32("llama.attention.head_count_kv", KV_HEADS)
                .u32("llama.rope.dimension_count", HIDDEN / HEADS)
                .f32("llama.rope.freq_base", 10_000)
                .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
                .u32("llama.vocab_size", VOCABULARY);
    }

    /** The whole model, of values that {@code llama} has before they are rounded to its format. */
    public static GgufBytes model(TinyLlama llama, NumberFormat format) {
        return weights(tokenizer(metadata()), llama, format);
    }

    public static GgufBytes weights(GgufBytes file, TinyLlama llama, NumberFormat format) {
        for (SafetensorsWriter.Tensor tensor : llama.tensors()) {
            double[] values = llama.values(tensor);
            String name = name(tensor.name());
            int heads = name.contains("attn_q") ? HEADS : name.contains("attn_k") ? KV_HEADS : 0;
            if (heads > 0) {
                values = interleaved(values, heads);
            }
            // Converters keep norms and biases in fp32.
            NumberFormat own = tensor.shape().size() == 1 ? NumberFormat.FP32 : format;
            file.tensor(name, type(own), tensor.shape(), TinyLlama.encode(own, values));
        }
        return file;
    }

    public static GgufBytes tokenizer(GgufBytes file) {
        List<String> tokens = new ArrayList<>(List.of("<|endoftext|>"));
        for (int b = 0, others = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            tokens.add(Character.toString(printable ? b : 256 + others++));
        }
        tokens.addAll(List.of("th", "the", "Ġthe", "<special>"));
        int[] types = IntStream.range(0, tokens.size()).map(i -> 1).toArray();
        types[0] = 3;
        types[tokens.size() - 1] = 4;
        return file.string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", "gpt-2")
                .strings("tokenizer.ggml.tokens", tokens)
                .ints("tokenizer.ggml.token_type", types)
                .strings("tokenizer.ggml.merges", List.of("t h", "th e", "Ġ the"))
                .u32("tokenizer.ggml.bos_token_id", 0)
                .u32("tokenizer.ggml.eos_token_id", 0)
                .bool("tokenizer.ggml.add_bos_token", false);
    }

    /** A vocabulary of SentencePiece's kind: three special tokens, the bytes, a few pieces with scores. */
    public static GgufBytes sentencePieces(GgufBytes file) {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        for (int b = 0; b < 256; b++) {
            tokens.add(String.format("<0x%02X>", b));
        }
        tokens.addAll(List.of("▁", "t", "h", "e", "a", "é", "th", "he", "the", "▁the", "▁t", "aa", "▁▁", "<special>"));
        int[] types = new int[tokens.size()];
        float[] scores = new float[tokens.size()];
        for (int i = 0; i < types.length; i++) {
            types[i] = i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : i == types.length - 1 ? 4 : 1;
            scores[i] = i < 259 ? 0 : 259 - i;
        }
        return file.string("tokenizer.ggml.model", "llama")
                .strings("tokenizer.ggml.tokens", tokens)
                .floats("tokenizer.ggml.scores", scores)
                .ints("tokenizer.ggml.token_type", types);
    }

    /** The name that GGUF files have for a tensor of transformers. */
    static String name(String name) {
        return switch (name) {
            case "model.embed_tokens.weight" -> "token_embd.weight";
            case "model.norm.weight" -> "output_norm.weight";
            case "lm_head.weight" -> "output.weight";
            default -> {
                String[] parts = name.split("\\.", 4);
                int dot = parts[3].lastIndexOf('.');
                yield "blk." + parts[2] + "." + NAMES.get(parts[3].substring(0, dot)) + parts[3].substring(dot);
            }
        };
    }

    /** Row {@code j × half + i} of a head, with {@code half} pairs, becomes row {@code 2i + j}. */
    private static double[] interleaved(double[] values, int heads) {
        int half = HIDDEN / HEADS / 2;
        int columns = values.length / (heads * 2 * half);
        double[] result = new double[values.length];
        for (int head = 0; head < heads; head++) {
            for (int j = 0; j < 2; j++) {
                for (int i = 0; i < half; i++) {
                    int from = (head * 2 * half + j * half + i) * columns;
                    System.arraycopy(values, from, result, (head * 2 * half + 2 * i + j) * columns, columns);
                }
            }
        }
        return result;
    }

    /** Number of a plain type. */
    static int type(NumberFormat format) {
        return switch (format) {
            case FP32 -> 0;
            case FP16 -> 1;
            case FP64 -> 28;
            case BF16 -> 30;
            default ->
                throw new IllegalArgumentException("GGUF has no type for " + format + ", only for "
                        + Arrays.toString(new NumberFormat[] {
                            NumberFormat.FP64, NumberFormat.FP32, NumberFormat.FP16, NumberFormat.BF16
                        }));
        };
    }
}
