package org.bitscarp.model.internal.architectures;

import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.Rope;

/** A value of a {@code config.json}: the key that most families have for it, and what a decoder makes of it. */
enum ConfigField {
    VOCABULARY("vocab_size", d -> d.spec.vocabulary()),
    HIDDEN("hidden_size", d -> d.spec.hidden()),
    WIDTH(
            "intermediate_size",
            d -> d.spec.mlp().width() > 0 ? d.spec.mlp().width() : d.spec.mlp().expertWidth()),
    LAYERS("num_hidden_layers", d -> d.spec.layers()),
    HEADS("num_attention_heads", d -> d.attention().heads()),
    KV_HEADS("num_key_value_heads", d -> d.attention().kvHeads()),
    HEAD_DIM("head_dim", d -> d.attention().headDim()),
    ACTIVATION("hidden_act", d -> activation(d.spec.mlp().activation())),
    /** Where the name of the approximated GELU is GPT-2's own. */
    NEW_ACTIVATION(
            "activation_function",
            d -> d.spec.mlp().activation() == Activation.GELU_TANH
                    ? "gelu_new"
                    : activation(d.spec.mlp().activation())),
    EPSILON("rms_norm_eps", d -> decimal(d.spec.norm().epsilon())),
    POSITIONS("max_position_embeddings", d -> d.spec.maxPositions()),
    TIED("tie_word_embeddings", d -> d.spec.tiedHead()),
    PARALLEL("use_parallel_residual", d -> d.spec.residual() == DecoderSpec.Residual.PARALLEL),
    ATTENTION_BIAS("attention_bias", d -> d.attentionBiases),
    MLP_BIAS("mlp_bias", d -> d.mlpBiases),
    QUERY_WIDTH("query_pre_attn_scalar", ConfigField::queryWidth),
    SCORE_CAP("attn_logit_softcapping", d -> cap(d.attention().softCap())),
    LOGIT_CAP("final_logit_softcapping", d -> cap(d.spec.logitSoftCap())),
    THETA("rope_theta", d -> whole(RopeScalings.theta(d.attention().rope()))),
    LOCAL_THETA(
            "rope_local_base_freq",
            d -> d.attention().localRope() == null
                    ? RopeScalings.USUAL_THETA
                    : whole(RopeScalings.theta(d.attention().localRope()))),
    ROTATED_SHARE("partial_rotary_factor", ConfigField::rotatedShare),
    ORIGINAL_POSITIONS("original_max_position_embeddings", ConfigField::originalPositions),
    WINDOW("sliding_window", d -> d.window() > 0 ? d.window() : null),
    SWITCHED_WINDOW("use_sliding_window", d -> d.window() > 0),
    FULL_LAYERS(
            "max_window_layers", d -> d.window() > 0 ? d.attention().windows().indexOf(d.window()) : d.spec.layers()),
    LAYER_TYPES("layer_types", ConfigField::layerTypes),
    EXPERTS("num_experts", d -> d.spec.mlp().experts()),
    EXPERTS_PER_TOKEN("num_experts_per_tok", d -> d.spec.mlp().expertsPerToken()),
    EXPERT_WIDTH("moe_intermediate_size", d -> d.spec.mlp().expertWidth()),
    NORMALIZED("norm_topk_prob", d -> d.spec.mlp().normalizedWeights()),
    /** Phi-3's default of 32000 is refused by transformers where the vocabulary is smaller. */
    PADDING("pad_token_id", d -> null);

    /** Relative differences that come from fp32 keys of a GGUF file. */
    static final double ROUNDING = 1e-6;

    /**
     * What is to be written.
     *
     * @param attentionBiases whether all four projections of attention have biases
     * @param mlpBiases the same of the feed-forward block
     */
    record Described(DecoderSpec spec, boolean attentionBiases, boolean mlpBiases) {
        private AttentionSpec attention() {
            return spec.attention();
        }

        /** The largest; others than this and none are noticed when the configuration is read again. */
        private int window() {
            return attention().windows().isEmpty()
                    ? 0
                    : Collections.max(attention().windows());
        }
    }

    private final String usualKey;
    private final Function<Described, Object> value;

    ConfigField(String usualKey, Function<Described, Object> value) {
        this.usualKey = usualKey;
        this.value = value;
    }

    String usualKey() {
        return usualKey;
    }

    /** A number, a truth value, a word, a list of words, or null. */
    Object value(Described decoder) {
        return value.apply(decoder);
    }

    /** The shortest decimal of an fp32 value: 1e-05 and not 9.999999747378752e-06. */
    static double decimal(double value) {
        return Double.parseDouble(Float.toString((float) value));
    }

    private static double whole(double value) {
        double whole = Math.rint(value);
        return Math.abs(value - whole) <= ROUNDING * value ? whole : value;
    }

    /** An integer where it nearly is one: transformers takes no other for Gemma. */
    private static Number queryWidth(Described decoder) {
        double width = whole(1 / Math.pow(decoder.attention().scale(), 2));
        return width == (int) width ? (Number) (int) width : (Number) width;
    }

    private static Double cap(float cap) {
        return cap == 0 ? null : decimal(cap);
    }

    private static String activation(Activation activation) {
        return switch (activation) {
            case SILU -> "silu";
            case GELU -> "gelu";
            case GELU_TANH -> "gelu_pytorch_tanh";
            case RELU -> "relu";
            case RELU_SQUARED -> "relu2";
        };
    }

    /** A share whose product with the width of a head, rounded down, is what rotates. */
    private static double rotatedShare(Described decoder) {
        Rope rope = decoder.attention().rope();
        int rotated = 2 * rope.inverseFrequencies().length;
        double share = (double) rotated / decoder.attention().headDim();
        return (int) (decoder.attention().headDim() * share) < rotated ? Math.nextUp(share) : share;
    }

    private static int originalPositions(Described decoder) {
        Rope.Longer beyond = decoder.attention().rope().beyond();
        return beyond == null ? decoder.spec.maxPositions() : beyond.threshold();
    }

    private static List<String> layerTypes(Described decoder) {
        return IntStream.range(0, decoder.spec.layers())
                .mapToObj(layer -> decoder.attention().window(layer) > 0 ? Windows.SLIDING : Windows.FULL)
                .toList();
    }
}
