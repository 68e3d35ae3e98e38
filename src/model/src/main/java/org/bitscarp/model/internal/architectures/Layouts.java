package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.TensorRole.ATTENTION_NORM;
import static org.bitscarp.model.TensorRole.DOWN;
import static org.bitscarp.model.TensorRole.DOWN_BIAS;
import static org.bitscarp.model.TensorRole.EMBEDDING;
import static org.bitscarp.model.TensorRole.EXPERT_DOWN;
import static org.bitscarp.model.TensorRole.EXPERT_GATE;
import static org.bitscarp.model.TensorRole.EXPERT_UP;
import static org.bitscarp.model.TensorRole.FINAL_NORM;
import static org.bitscarp.model.TensorRole.GATE;
import static org.bitscarp.model.TensorRole.GATE_BIAS;
import static org.bitscarp.model.TensorRole.HEAD;
import static org.bitscarp.model.TensorRole.KEY;
import static org.bitscarp.model.TensorRole.KEY_BIAS;
import static org.bitscarp.model.TensorRole.KEY_NORM;
import static org.bitscarp.model.TensorRole.MLP_NORM;
import static org.bitscarp.model.TensorRole.OUTPUT;
import static org.bitscarp.model.TensorRole.OUTPUT_BIAS;
import static org.bitscarp.model.TensorRole.QUERY;
import static org.bitscarp.model.TensorRole.QUERY_BIAS;
import static org.bitscarp.model.TensorRole.QUERY_NORM;
import static org.bitscarp.model.TensorRole.ROUTER;
import static org.bitscarp.model.TensorRole.UP;
import static org.bitscarp.model.TensorRole.UP_BIAS;
import static org.bitscarp.model.TensorRole.VALUE;
import static org.bitscarp.model.TensorRole.VALUE_BIAS;

import java.util.List;
import java.util.function.IntPredicate;
import org.bitscarp.model.TensorRole;

/** The names of Llama's tensors, which most families share, and what the others add to them. */
final class Layouts {
    private Layouts() {}

    /** {@code LlamaForCausalLM} without biases. The bare model is saved without the prefix. */
    static TensorLayout llama() {
        return new TensorLayout(List.of("model.", ""), "layers.{layer}.")
                .plain(EMBEDDING, "embed_tokens.weight")
                .plain(FINAL_NORM, "norm.weight")
                .linear(HEAD, "lm_head")
                .plain(ATTENTION_NORM, "input_layernorm.weight")
                .linear(QUERY, "self_attn.q_proj")
                .linear(KEY, "self_attn.k_proj")
                .linear(VALUE, "self_attn.v_proj")
                .linear(OUTPUT, "self_attn.o_proj")
                .plain(MLP_NORM, "post_attention_layernorm.weight")
                .linear(GATE, "mlp.gate_proj")
                .linear(UP, "mlp.up_proj")
                .linear(DOWN, "mlp.down_proj");
    }

    static TensorLayout inputBiases(TensorLayout layout) {
        return layout.plain(QUERY_BIAS, "self_attn.q_proj.bias")
                .plain(KEY_BIAS, "self_attn.k_proj.bias")
                .plain(VALUE_BIAS, "self_attn.v_proj.bias");
    }

    /** On all four projections, if {@code present}. */
    static TensorLayout attentionBiases(TensorLayout layout, boolean present) {
        return present ? inputBiases(layout).plain(OUTPUT_BIAS, "self_attn.o_proj.bias") : layout;
    }

    static TensorLayout mlpBiases(TensorLayout layout, boolean present) {
        return present
                ? layout.plain(GATE_BIAS, "mlp.gate_proj.bias")
                        .plain(UP_BIAS, "mlp.up_proj.bias")
                        .plain(DOWN_BIAS, "mlp.down_proj.bias")
                : layout;
    }

    static TensorLayout headNorms(TensorLayout layout) {
        return layout.plain(QUERY_NORM, "self_attn.q_norm.weight").plain(KEY_NORM, "self_attn.k_norm.weight");
    }

    /**
     * Routed experts in some layers, instead of the dense block there.
     *
     * @param block module of the router and the experts
     */
    static TensorLayout experts(
            TensorLayout layout, IntPredicate routed, String block, String gate, String up, String down) {
        for (TensorRole dense : List.of(GATE, UP, DOWN)) {
            layout.onlyIn(dense, routed.negate());
        }
        String expert = block + ".experts.{expert}.";
        return layout.with(ROUTER, new Placement.Plain(block + ".gate.weight"), routed)
                .with(EXPERT_GATE, new Placement.Experts(expert + gate), routed)
                .with(EXPERT_UP, new Placement.Experts(expert + up), routed)
                .with(EXPERT_DOWN, new Placement.Experts(expert + down), routed);
    }
}
