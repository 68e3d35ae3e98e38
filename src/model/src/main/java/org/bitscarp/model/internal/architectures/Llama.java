package org.bitscarp.model.internal.architectures;

import org.bitscarp.compute.Activation;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.internal.ConfigFields;

/** Llama 1 to 3 (Touvron et al. 2023), with the defaults of {@code LlamaConfig}. */
final class Llama {
    private Llama() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 0, 0, 2048);
        TensorLayout layout = Layouts.attentionBiases(Layouts.llama(), config.booleanOr("attention_bias", false));
        return new Architecture.Model(
                spec(architecture, config, widths, widths.attention(Ropes.read(config, widths)), 1e-6),
                Layouts.mlpBiases(layout, config.booleanOr("mlp_bias", false)));
    }

    /** A decoder that differs from Llama in its attention and in weights that others lack. */
    static DecoderSpec spec(
            String architecture, ConfigFields config, Widths widths, AttentionSpec attention, double epsilon)
            throws ModelException {
        Activation activation = Fields.activation(config, "hidden_act", "silu");
        return spec(
                architecture,
                config,
                widths,
                attention,
                MlpSpec.dense(Widths.ffn(config, "intermediate_size"), activation),
                epsilon);
    }

    /** The same with another feed-forward block. */
    static DecoderSpec spec(
            String architecture,
            ConfigFields config,
            Widths widths,
            AttentionSpec attention,
            MlpSpec mlp,
            double epsilon)
            throws ModelException {
        return new DecoderSpec(
                architecture,
                widths.vocabulary(),
                widths.hidden(),
                widths.layers(),
                attention,
                mlp,
                NormSpec.rms(Fields.epsilon(config, "rms_norm_eps", epsilon)),
                DecoderSpec.Residual.SEQUENTIAL,
                1,
                0,
                0,
                Fields.tied(config, false),
                widths.positions());
    }
}
