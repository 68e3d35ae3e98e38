package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.TensorRole.ATTENTION_SUB_NORM;
import static org.bitscarp.model.TensorRole.MLP_SUB_NORM;

import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/**
 * BitNet b1.58 (Ma et al. 2025): squared ReLU, and a norm before the output and the down projection. Ternary weights and
 * rounded activations are not this architecture's but its {@code quantization_config}'s.
 */
final class BitNet {
    private BitNet() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 5, 0, 2048);
        MlpSpec mlp = MlpSpec.dense(
                Widths.ffn(config, "intermediate_size"), Fields.activation(config, "hidden_act", "relu2"));
        DecoderSpec spec = Llama.spec(
                architecture,
                config,
                widths,
                widths.attention(Ropes.read(config, widths, Ropes.Defaults.theta(500_000))),
                mlp,
                1e-5);
        return new Architecture.Model(
                spec,
                Layouts.attentionBiases(Layouts.llama(), config.booleanOr("attention_bias", false))
                        .plain(ATTENTION_SUB_NORM, "self_attn.attn_sub_norm.weight")
                        .plain(MLP_SUB_NORM, "mlp.ffn_sub_norm.weight"));
    }
}
