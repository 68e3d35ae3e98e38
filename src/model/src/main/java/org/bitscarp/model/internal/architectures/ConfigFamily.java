package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.internal.architectures.ConfigField.*;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.bitscarp.model.DecoderSpec;

/**
 * How a family of decoders is written as a {@code config.json}.
 *
 * @param sources names of the architecture in containers that are no Hugging Face folders
 * @param architecture what {@code architectures} says
 * @param modelType what {@code model_type} says
 * @param those which of the decoders under such a name are meant: a GGUF file calls Mistral and Mixtral llama too
 * @param keys what is written, and under which keys
 */
record ConfigFamily(
        List<String> sources,
        String architecture,
        String modelType,
        Predicate<DecoderSpec> those,
        Map<ConfigField, String> keys) {
    private static final List<String> LLAMAS = List.of("llama", "llama2.c");

    static final List<ConfigFamily> ALL = List.of(
            of(LLAMAS, "MixtralForCausalLM", "mixtral", spec -> spec.mlp().experts() > 0)
                    .rms(ACTIVATION, WINDOW, EXPERTS_PER_TOKEN)
                    .key(EXPERTS, "num_local_experts"),
            of(
                            LLAMAS,
                            "MistralForCausalLM",
                            "mistral",
                            spec -> !spec.attention().windows().isEmpty())
                    .rms(ACTIVATION, WINDOW),
            of(LLAMAS, "LlamaForCausalLM", "llama", spec -> true).rms(ACTIVATION, ATTENTION_BIAS, MLP_BIAS),
            of("qwen2", "Qwen2ForCausalLM", "qwen2").rms(ACTIVATION, WINDOW, SWITCHED_WINDOW, FULL_LAYERS),
            of("qwen3", "Qwen3ForCausalLM", "qwen3")
                    .rms(ACTIVATION, ATTENTION_BIAS, WINDOW, SWITCHED_WINDOW, FULL_LAYERS),
            of("qwen3moe", "Qwen3MoeForCausalLM", "qwen3_moe")
                    .rms(ACTIVATION, ATTENTION_BIAS, WINDOW, SWITCHED_WINDOW)
                    .with(EXPERTS, EXPERTS_PER_TOKEN, EXPERT_WIDTH, NORMALIZED),
            of("gemma2", "Gemma2ForCausalLM", "gemma2").gemma(),
            of("gemma3", "Gemma3ForCausalLM", "gemma3_text").gemma().with(LOCAL_THETA),
            of("phi3", "Phi3ForCausalLM", "phi3")
                    .rms(ACTIVATION, WINDOW, ROTATED_SHARE, ORIGINAL_POSITIONS, PADDING)
                    .without(HEAD_DIM),
            of("bitnet", "BitNetForCausalLM", "bitnet").rms(ACTIVATION, ATTENTION_BIAS),
            of("gpt2", "GPT2LMHeadModel", "gpt2")
                    .with(VOCABULARY, NEW_ACTIVATION, TIED)
                    .key(HIDDEN, "n_embd")
                    .key(WIDTH, "n_inner")
                    .key(LAYERS, "n_layer")
                    .key(HEADS, "n_head")
                    .key(POSITIONS, "n_positions")
                    .key(EPSILON, "layer_norm_epsilon"),
            of("gptneox", "GPTNeoXForCausalLM", "gpt_neox")
                    .with(VOCABULARY, HIDDEN, WIDTH, LAYERS, HEADS, POSITIONS, ACTIVATION, TIED)
                    .with(PARALLEL, ATTENTION_BIAS)
                    .key(EPSILON, "layer_norm_eps")
                    .key(THETA, "rotary_emb_base")
                    .key(ROTATED_SHARE, "rotary_pct"));

    private static ConfigFamily of(String source, String architecture, String modelType) {
        return of(List.of(source), architecture, modelType, spec -> true);
    }

    private static ConfigFamily of(
            List<String> sources, String architecture, String modelType, Predicate<DecoderSpec> those) {
        return new ConfigFamily(sources, architecture, modelType, those, new EnumMap<>(ConfigField.class));
    }

    /** The family of a decoder, the first that is meant. */
    static Optional<ConfigFamily> of(DecoderSpec spec) {
        return ALL.stream()
                .filter(f -> f.sources.contains(spec.architecture()) && f.those.test(spec))
                .findFirst();
    }

    private ConfigFamily key(ConfigField field, String key) {
        keys.put(field, key);
        return this;
    }

    private ConfigFamily with(ConfigField... fields) {
        Arrays.stream(fields).forEach(field -> key(field, field.usualKey()));
        return this;
    }

    private ConfigFamily without(ConfigField field) {
        keys.remove(field);
        return this;
    }

    /** Grouped keys, heads of any width, RMS norms, a rotation. */
    private ConfigFamily rms(ConfigField... more) {
        return with(VOCABULARY, HIDDEN, WIDTH, LAYERS, HEADS, KV_HEADS, HEAD_DIM, EPSILON, POSITIONS, TIED, THETA)
                .with(more);
    }

    private ConfigFamily gemma() {
        return rms(ATTENTION_BIAS, QUERY_WIDTH, SCORE_CAP, LOGIT_CAP, WINDOW, LAYER_TYPES)
                .key(ACTIVATION, "hidden_activation");
    }

    /** Whether {@code rope_scaling} knows LongRoPE alone. */
    boolean onlyLongRope() {
        return modelType.equals("phi3");
    }
}
