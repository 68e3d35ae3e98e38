package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import tools.jackson.databind.JsonNode;

/**
 * {@code config.json} of the Llama family, with the defaults of transformers' {@code LlamaConfig} and
 * {@code MistralConfig} for keys that are absent. Widths and depths have no default: a file without them is not a config.
 *
 * @param attentionBias whether the four attention projections have biases
 * @param mlpBias whether the three MLP projections have biases
 * @param bosToken {@code bos_token_id}, or −1
 */
record LlamaConfig(DecoderSpec spec, boolean attentionBias, boolean mlpBias, int bosToken) {
    static final long MAX_BYTES = 8 << 20;
    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final int MAX_LAYERS = 10_000;
    private static final int MAX_POSITIONS = 1 << 30;

    private static final String LLAMA = "LlamaForCausalLM";
    private static final String MISTRAL = "MistralForCausalLM";
    private static final List<String> SUPPORTED = List.of(LLAMA, MISTRAL + " without sliding window");

    static LlamaConfig read(Path file) throws IOException {
        ConfigFields fields = new ConfigFields(file, "", Json.readObject(file, MAX_BYTES));
        String architecture = architecture(file, fields);
        boolean mistral = architecture.equals(MISTRAL);
        if (mistral && !fields.raw("sliding_window").isNull()) {
            throw fields.wrong(
                    "sliding_window", "null, since sliding-window attention is not supported (absent means 4096)");
        }
        String activation = fields.string("hidden_act").orElse("silu");
        if (!activation.equals("silu")) {
            throw fields.wrong("hidden_act", "silu");
        }
        return new LlamaConfig(
                spec(file, fields, architecture, mistral),
                !mistral && fields.booleanOr("attention_bias", false),
                !mistral && fields.booleanOr("mlp_bias", false),
                bos(fields));
    }

    private static DecoderSpec spec(Path file, ConfigFields fields, String architecture, boolean mistral)
            throws IOException {
        int hidden = fields.requiredInt("hidden_size", MAX_WIDTH);
        int heads = fields.requiredInt("num_attention_heads", MAX_WIDTH);
        int kvHeads = fields.intOr("num_key_value_heads", mistral ? 8 : heads, MAX_WIDTH);
        if (heads % kvHeads != 0) {
            throw fields.wrong("num_key_value_heads", "a divisor of num_attention_heads (" + heads + ")");
        }
        if (!fields.has("head_dim") && hidden % heads != 0) {
            throw fields.wrong(
                    "num_attention_heads", "a divisor of hidden_size (" + hidden + "), as head_dim is absent");
        }
        int headDim = fields.intOr("head_dim", hidden / heads, MAX_WIDTH);
        if (headDim % 2 != 0) {
            throw new ModelException(file + ": head_dim: expected an even number for rotary embedding, found " + headDim
                    + (fields.has("head_dim") ? "" : " (hidden_size / num_attention_heads)"));
        }
        if ((long) heads * headDim > MAX_WIDTH) {
            throw fields.wrong("num_attention_heads", "heads × head_dim up to " + MAX_WIDTH);
        }
        int positions = fields.intOr("max_position_embeddings", mistral ? 131_072 : 2048, MAX_POSITIONS);
        Rope rope = RopeScaling.read(file, fields, headDim, positions);
        return DecoderSpec.llama(
                architecture,
                fields.requiredInt("vocab_size", MAX_VOCABULARY),
                hidden,
                fields.requiredInt("num_hidden_layers", MAX_LAYERS),
                AttentionSpec.full(heads, kvHeads, headDim, rope),
                fields.requiredInt("intermediate_size", 16 * MAX_WIDTH),
                (float) fields.number("rms_norm_eps", 1e-30, 1).orElse(1e-6),
                fields.booleanOr("tie_word_embeddings", false),
                positions);
    }

    private static String architecture(Path file, ConfigFields fields) throws ModelException {
        JsonNode names = fields.raw("architectures");
        String name;
        if (names.isArray() && names.size() > 0 && names.get(0).isString()) {
            name = names.get(0).stringValue();
        } else {
            // Base models written by older tools carry only the model type.
            name = switch (fields.string("model_type").orElse("")) {
                case "llama" -> LLAMA;
                case "mistral" -> MISTRAL;
                default -> Json.kind(fields.raw("model_type"));
            };
        }
        if (!name.equals(LLAMA) && !name.equals(MISTRAL)) {
            throw new ModelException(
                    file + ": architecture " + name + " is not supported; supported: " + String.join(", ", SUPPORTED));
        }
        return name;
    }

    /** One id, or a list of which the first counts. */
    private static int bos(ConfigFields fields) {
        JsonNode value = fields.raw("bos_token_id");
        JsonNode id = value.isArray() && value.size() > 0 ? value.get(0) : value;
        return id.isIntegralNumber() && id.canConvertToInt() && id.intValue() >= 0 ? id.intValue() : -1;
    }
}
