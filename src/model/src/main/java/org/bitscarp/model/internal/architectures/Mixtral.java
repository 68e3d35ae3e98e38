package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/** Mixtral (Jiang et al. 2024): every layer routes a token to some experts, whose weights sum to 1. */
final class Mixtral {
    private Mixtral() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 8, 0, 131_072);
        AttentionSpec attention = Windows.on(
                widths.attention(Ropes.read(config, widths, Ropes.Defaults.theta(1e6))),
                Windows.everywhere(widths.layers(), Windows.size(config, 0)));
        int experts = config.intOr(config.has("num_experts") ? "num_experts" : "num_local_experts", 8, Experts.MAX);
        MlpSpec mlp = new MlpSpec(
                0,
                Fields.activation(config, "hidden_act", "silu"),
                experts,
                Experts.perToken(config, 2, experts),
                Widths.ffn(config, "intermediate_size"),
                true);
        return new Architecture.Model(
                Llama.spec(architecture, config, widths, attention, mlp, 1e-5),
                Layouts.experts(Layouts.llama(), layer -> true, "block_sparse_moe", "w1", "w3", "w2"));
    }
}
