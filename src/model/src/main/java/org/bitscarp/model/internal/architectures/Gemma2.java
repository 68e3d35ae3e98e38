package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.TensorRole.ATTENTION_NORM;
import static org.bitscarp.model.TensorRole.ATTENTION_POST_NORM;
import static org.bitscarp.model.TensorRole.FINAL_NORM;
import static org.bitscarp.model.TensorRole.MLP_NORM;
import static org.bitscarp.model.TensorRole.MLP_POST_NORM;

import java.util.List;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.ConfigFields;

/**
 * Gemma 2 (Gemma Team 2024): norms before and behind both blocks, stored as their difference from 1; scaled embeddings;
 * soft caps; windows in every other layer, from the first on.
 */
final class Gemma2 {
    private Gemma2() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 4, 256, 8192);
        List<Integer> windows =
                Windows.byLayer(config, widths.layers(), Windows.size(config, 4096), layer -> layer % 2 == 0);
        Caps caps = new Caps(
                Fields.softCap(config, "attn_logit_softcapping", 50),
                Fields.softCap(config, "final_logit_softcapping", 30));
        return new Architecture.Model(
                spec(architecture, config, widths, windows, Ropes.read(config, widths), null, caps), layout(config));
    }

    /** Soft caps of attention scores and of logits; 0 for none. */
    record Caps(float attention, float logits) {}

    static DecoderSpec spec(
            String architecture,
            ConfigFields config,
            Widths widths,
            List<Integer> windows,
            Rope rope,
            Rope localRope,
            Caps caps)
            throws ModelException {
        Fields.require(config, "use_bidirectional_attention", false, false);
        return new DecoderSpec(
                architecture,
                widths.vocabulary(),
                widths.hidden(),
                widths.layers(),
                new AttentionSpec(
                        widths.heads(),
                        widths.kvHeads(),
                        widths.headDim(),
                        Fields.queryScale(config),
                        caps.attention,
                        windows,
                        rope,
                        localRope),
                MlpSpec.dense(
                        Widths.ffn(config, "intermediate_size"),
                        Fields.activation(config, "hidden_activation", "gelu_pytorch_tanh")),
                NormSpec.rms(Fields.epsilon(config, "rms_norm_eps", 1e-6)),
                DecoderSpec.Residual.SEQUENTIAL,
                (float) Math.sqrt(widths.hidden()),
                caps.logits,
                0,
                Fields.tied(config, true),
                widths.positions());
    }

    static TensorLayout layout(ConfigFields config) throws ModelException {
        return Layouts.attentionBiases(Layouts.llama(), config.booleanOr("attention_bias", false))
                .with(FINAL_NORM, new Placement.Gain("norm.weight"))
                .with(ATTENTION_NORM, new Placement.Gain("input_layernorm.weight"))
                .with(ATTENTION_POST_NORM, new Placement.Gain("post_attention_layernorm.weight"))
                .with(MLP_NORM, new Placement.Gain("pre_feedforward_layernorm.weight"))
                .with(MLP_POST_NORM, new Placement.Gain("post_feedforward_layernorm.weight"));
    }
}
