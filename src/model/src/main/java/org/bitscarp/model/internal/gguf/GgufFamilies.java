package org.bitscarp.model.internal.gguf;

import static org.bitscarp.model.TensorRole.*;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.internal.gguf.GgufFamily.Trait;

/** The architectures of GGUF files that are read and written. */
public final class GgufFamilies {
    private static final Set<TensorRole> BIASES =
            EnumSet.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, GATE_BIAS, UP_BIAS, DOWN_BIAS);

    public static final List<GgufFamily> ALL = List.of(
            rms("llama", List.of("LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "llama2.c"))
                    .traits(Trait.NEIGHBOURING_PAIRS, Trait.FREE_HEADS, Trait.FREQUENCY_DIVISORS, Trait.EXPERTS)
                    .attention()
                    .biases()
                    .gated()
                    .experts()
                    .build(),
            rms("qwen2", List.of("Qwen2ForCausalLM"))
                    .attention()
                    .inputBiases()
                    .gated()
                    .build(),
            rms("qwen3", List.of("Qwen3ForCausalLM"))
                    .traits(Trait.FREE_HEADS)
                    .attention()
                    .inputBiases()
                    .headNorms()
                    .gated()
                    .build(),
            rms("qwen3moe", List.of("Qwen3MoeForCausalLM"))
                    .traits(Trait.FREE_HEADS, Trait.EXPERTS, Trait.ONLY_EXPERTS)
                    .attention()
                    .headNorms()
                    .experts()
                    .build(),
            gemma("gemma2", "Gemma2ForCausalLM")
                    .traits(Trait.SCORE_CAP, Trait.TIED_HEAD)
                    .build(),
            gemma("gemma3", "Gemma3ForCausalLM")
                    .traits(Trait.LOCAL_ROTATION)
                    .headNorms()
                    .build(),
            rms("phi3", List.of("Phi3ForCausalLM"))
                    .traits(Trait.LONG_ROPE, Trait.PARTIAL_ROTATION)
                    .fusedAttention(false)
                    .name(MLP_NORM, "ffn_norm.weight")
                    .name(GATE, "ffn_up.weight")
                    .name(UP, "ffn_up.weight")
                    .name(DOWN, "ffn_down.weight")
                    .build(),
            layerNorm("gpt2", "GPT2LMHeadModel")
                    .activation(Activation.GELU_TANH)
                    .traits(Trait.LEARNED_POSITIONS)
                    .name(POSITION_EMBEDDING, "position_embd.weight")
                    .build(),
            layerNorm("gptneox", "GPTNeoXForCausalLM")
                    .activation(Activation.GELU)
                    .traits(Trait.PARTIAL_ROTATION, Trait.PARALLEL_RESIDUAL, Trait.OWN_HEAD)
                    .build(),
            rms("bitnet", List.of("BitNetForCausalLM"))
                    .traits(Trait.TIED_HEAD)
                    .attention()
                    .name(ATTENTION_SUB_NORM, "attn_sub_norm.weight")
                    .gated()
                    .name(MLP_SUB_NORM, "ffn_sub_norm.weight")
                    .build());

    private GgufFamilies() {}

    /** The family with a {@code general.architecture}, or with a name that another container gives it. */
    public static Optional<GgufFamily> of(String architecture) {
        return ALL.stream()
                .filter(f -> f.name().equals(architecture) || f.aliases().contains(architecture))
                .findFirst();
    }

    private static Builder rms(String name, List<String> aliases) {
        return new Builder(name, aliases, NormSpec.Kind.RMS);
    }

    private static Builder layerNorm(String name, String alias) {
        return new Builder(name, List.of(alias), NormSpec.Kind.LAYER)
                .name(FINAL_NORM_BIAS, "output_norm.bias")
                .name(ATTENTION_NORM_BIAS, "attn_norm.bias")
                .fusedAttention(true)
                .name(MLP_NORM, "ffn_norm.weight")
                .name(MLP_NORM_BIAS, "ffn_norm.bias")
                .name(UP, "ffn_up.weight")
                .name(UP_BIAS, "ffn_up.bias")
                .name(DOWN, "ffn_down.weight")
                .name(DOWN_BIAS, "ffn_down.bias");
    }

    private static Builder gemma(String name, String alias) {
        return rms(name, List.of(alias))
                .activation(Activation.GELU_TANH)
                .traits(Trait.FREE_HEADS, Trait.WINDOWS, Trait.SCALED_EMBEDDING, Trait.LOGIT_CAP)
                .attention()
                .name(ATTENTION_POST_NORM, "post_attention_norm.weight")
                .gated()
                .name(MLP_POST_NORM, "post_ffw_norm.weight");
    }

    private static final class Builder {
        private final String name;
        private final List<String> aliases;
        private final NormSpec.Kind norm;
        private final Set<Trait> traits = EnumSet.noneOf(Trait.class);
        private final Map<TensorRole, String> names = new EnumMap<>(TensorRole.class);
        private final Set<TensorRole> optional = EnumSet.of(HEAD);
        private Activation activation = Activation.SILU;

        Builder(String name, List<String> aliases, NormSpec.Kind norm) {
            this.name = name;
            this.aliases = aliases;
            this.norm = norm;
            name(EMBEDDING, "token_embd.weight");
            name(FINAL_NORM, "output_norm.weight");
            name(HEAD, "output.weight");
            name(ATTENTION_NORM, "attn_norm.weight");
            name(OUTPUT, "attn_output.weight");
        }

        Builder name(TensorRole role, String tensor) {
            names.put(role, tensor);
            return this;
        }

        Builder traits(Trait... more) {
            traits.addAll(List.of(more));
            return this;
        }

        Builder activation(Activation other) {
            activation = other;
            return this;
        }

        Builder attention() {
            return name(QUERY, "attn_q.weight").name(KEY, "attn_k.weight").name(VALUE, "attn_v.weight");
        }

        Builder fusedAttention(boolean biases) {
            for (TensorRole role : List.of(QUERY, KEY, VALUE)) {
                name(role, "attn_qkv.weight");
            }
            if (biases) {
                for (TensorRole role : List.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS)) {
                    name(role, "attn_qkv.bias");
                }
                name(OUTPUT_BIAS, "attn_output.bias");
            }
            return this;
        }

        Builder inputBiases() {
            optional.addAll(BIASES);
            return name(QUERY_BIAS, "attn_q.bias").name(KEY_BIAS, "attn_k.bias").name(VALUE_BIAS, "attn_v.bias");
        }

        Builder biases() {
            return inputBiases()
                    .name(OUTPUT_BIAS, "attn_output.bias")
                    .name(GATE_BIAS, "ffn_gate.bias")
                    .name(UP_BIAS, "ffn_up.bias")
                    .name(DOWN_BIAS, "ffn_down.bias");
        }

        Builder headNorms() {
            return name(QUERY_NORM, "attn_q_norm.weight").name(KEY_NORM, "attn_k_norm.weight");
        }

        Builder gated() {
            return name(MLP_NORM, "ffn_norm.weight")
                    .name(GATE, "ffn_gate.weight")
                    .name(UP, "ffn_up.weight")
                    .name(DOWN, "ffn_down.weight");
        }

        Builder experts() {
            return name(MLP_NORM, "ffn_norm.weight")
                    .name(ROUTER, "ffn_gate_inp.weight")
                    .name(EXPERT_GATE, "ffn_gate_exps.weight")
                    .name(EXPERT_UP, "ffn_up_exps.weight")
                    .name(EXPERT_DOWN, "ffn_down_exps.weight");
        }

        GgufFamily build() {
            return new GgufFamily(name, aliases, norm, activation, traits, names, optional);
        }
    }
}
