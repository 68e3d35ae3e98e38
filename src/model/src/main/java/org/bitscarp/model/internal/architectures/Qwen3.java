package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/** Qwen 3: norms on query and key heads instead of biases. */
final class Qwen3 {
    private Qwen3() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 32, 128, 32_768);
        return new Architecture.Model(
                Llama.spec(architecture, config, widths, Qwen2.attention(config, widths), 1e-6), layout(config));
    }

    static TensorLayout layout(ConfigFields config) throws ModelException {
        return Layouts.headNorms(Layouts.attentionBiases(Layouts.llama(), config.booleanOr("attention_bias", false)));
    }
}
