package org.bitscarp.model.internal.architectures;

import java.util.HashSet;
import java.util.Set;
import java.util.function.IntPredicate;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.JsonNode;

/** Qwen 3 with routed experts, in all layers or in some. */
final class Qwen3Moe {
    private static final String DENSE = "mlp_only_layers";

    private Qwen3Moe() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 4, 0, 32_768);
        AttentionSpec attention = Windows.on(
                widths.attention(Ropes.read(config, widths)),
                Windows.everywhere(widths.layers(), Windows.switched(config)));
        IntPredicate routed = routed(config);
        boolean anyDense = false;
        for (int layer = 0; layer < widths.layers(); layer++) {
            anyDense |= !routed.test(layer);
        }
        int experts =
                config.intOr(config.has("num_local_experts") ? "num_local_experts" : "num_experts", 128, Experts.MAX);
        MlpSpec mlp = new MlpSpec(
                anyDense ? Widths.ffn(config, "intermediate_size") : 0,
                Fields.activation(config, "hidden_act", "silu"),
                experts,
                Experts.perToken(config, 8, experts),
                Widths.ffn(config, "moe_intermediate_size"),
                config.booleanOr("norm_topk_prob", false));
        return new Architecture.Model(
                Llama.spec(architecture, config, widths, attention, mlp, 1e-6),
                Layouts.experts(Qwen3.layout(config), routed, "mlp", "gate_proj", "up_proj", "down_proj"));
    }

    /** Every {@code decoder_sparse_step}-th layer that {@code mlp_only_layers} does not name. */
    private static IntPredicate routed(ConfigFields config) throws ModelException {
        int step = config.intOr("decoder_sparse_step", 1, Integer.MAX_VALUE);
        JsonNode list = config.raw(DENSE);
        if (config.has(DENSE) && !list.isArray()) {
            throw config.wrong(DENSE, "an array of layers");
        }
        Set<Integer> dense = new HashSet<>();
        for (JsonNode layer : list) {
            if (!layer.isIntegralNumber() || !layer.canConvertToInt()) {
                throw config.wrong(DENSE, "an array of layers");
            }
            dense.add(layer.intValue());
        }
        return layer -> !dense.contains(layer) && (layer + 1) % step == 0;
    }
}
