package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.TensorRole.ATTENTION_NORM;
import static org.bitscarp.model.TensorRole.ATTENTION_NORM_BIAS;
import static org.bitscarp.model.TensorRole.DOWN;
import static org.bitscarp.model.TensorRole.DOWN_BIAS;
import static org.bitscarp.model.TensorRole.EMBEDDING;
import static org.bitscarp.model.TensorRole.FINAL_NORM;
import static org.bitscarp.model.TensorRole.FINAL_NORM_BIAS;
import static org.bitscarp.model.TensorRole.HEAD;
import static org.bitscarp.model.TensorRole.KEY;
import static org.bitscarp.model.TensorRole.KEY_BIAS;
import static org.bitscarp.model.TensorRole.MLP_NORM;
import static org.bitscarp.model.TensorRole.MLP_NORM_BIAS;
import static org.bitscarp.model.TensorRole.OUTPUT;
import static org.bitscarp.model.TensorRole.OUTPUT_BIAS;
import static org.bitscarp.model.TensorRole.POSITION_EMBEDDING;
import static org.bitscarp.model.TensorRole.QUERY;
import static org.bitscarp.model.TensorRole.QUERY_BIAS;
import static org.bitscarp.model.TensorRole.UP;
import static org.bitscarp.model.TensorRole.UP_BIAS;
import static org.bitscarp.model.TensorRole.VALUE;
import static org.bitscarp.model.TensorRole.VALUE_BIAS;

import java.util.List;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.weights.RowOrder;

/** GPT-2 (Radford et al. 2019): learned positions, layer norms, linear maps stored transposed and fused. */
final class Gpt2 {
    private Gpt2() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Fields.require(config, "scale_attn_by_inverse_layer_idx", false, false);
        Fields.require(config, "add_cross_attention", false, false);
        Widths widths = Widths.gpt2(config);
        float scale = config.booleanOr("scale_attn_weights", true) ? (float) (1 / Math.sqrt(widths.headDim())) : 1;
        int ffn = config.has("n_inner") ? Widths.ffn(config, "n_inner") : 4 * widths.hidden();
        DecoderSpec spec = new DecoderSpec(
                architecture,
                widths.vocabulary(),
                widths.hidden(),
                widths.layers(),
                new AttentionSpec(widths.heads(), widths.heads(), widths.headDim(), scale, 0, List.of(), null, null),
                MlpSpec.dense(ffn, Fields.activation(config, "activation_function", "gelu_new")),
                NormSpec.layer(Fields.epsilon(config, "layer_norm_epsilon", 1e-5)),
                DecoderSpec.Residual.SEQUENTIAL,
                1,
                0,
                0,
                Fields.tied(config, true),
                widths.positions());
        return new Architecture.Model(spec, layout(widths.hidden(), ffn));
    }

    private static TensorLayout layout(long hidden, long ffn) {
        String fused = "attn.c_attn";
        TensorLayout layout = new TensorLayout(List.of("transformer.", ""), "h.{layer}.")
                .plain(EMBEDDING, "wte.weight")
                .plain(POSITION_EMBEDDING, "wpe.weight")
                .plain(FINAL_NORM, "ln_f.weight")
                .plain(FINAL_NORM_BIAS, "ln_f.bias")
                .linear(HEAD, "lm_head")
                .plain(ATTENTION_NORM, "ln_1.weight")
                .plain(ATTENTION_NORM_BIAS, "ln_1.bias")
                .with(QUERY, new Placement.Columns(fused, 3 * hidden, 0))
                .with(KEY, new Placement.Columns(fused, 3 * hidden, hidden))
                .with(VALUE, new Placement.Columns(fused, 3 * hidden, 2 * hidden))
                .with(QUERY_BIAS, new Placement.Rows(fused + ".bias", 3 * hidden, RowOrder.SAME))
                .with(KEY_BIAS, new Placement.Rows(fused + ".bias", 3 * hidden, RowOrder.from(hidden)))
                .with(VALUE_BIAS, new Placement.Rows(fused + ".bias", 3 * hidden, RowOrder.from(2 * hidden)))
                .with(OUTPUT, new Placement.Columns("attn.c_proj", hidden, 0))
                .plain(OUTPUT_BIAS, "attn.c_proj.bias");
        return layout.plain(MLP_NORM, "ln_2.weight")
                .plain(MLP_NORM_BIAS, "ln_2.bias")
                .with(UP, new Placement.Columns("mlp.c_fc", ffn, 0))
                .plain(UP_BIAS, "mlp.c_fc.bias")
                .with(DOWN, new Placement.Columns("mlp.c_proj", hidden, 0))
                .plain(DOWN_BIAS, "mlp.c_proj.bias");
    }
}
