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
import static org.bitscarp.model.TensorRole.QUERY;
import static org.bitscarp.model.TensorRole.QUERY_BIAS;
import static org.bitscarp.model.TensorRole.UP;
import static org.bitscarp.model.TensorRole.UP_BIAS;
import static org.bitscarp.model.TensorRole.VALUE;
import static org.bitscarp.model.TensorRole.VALUE_BIAS;

import java.util.List;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.weights.RowOrder;

/** GPT-NeoX (Black et al. 2022) and Pythia: both blocks read the same residual stream; a quarter of each head rotates. */
final class GptNeoX {
    private static final List<TensorRole> FUSED = List.of(QUERY, KEY, VALUE);
    private static final List<TensorRole> FUSED_BIASES = List.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS);

    private GptNeoX() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.divided(config, 2048);
        DecoderSpec spec = new DecoderSpec(
                architecture,
                widths.vocabulary(),
                widths.hidden(),
                widths.layers(),
                widths.attention(Ropes.read(config, widths, Ropes.Defaults.NEOX)),
                MlpSpec.dense(Widths.ffn(config, "intermediate_size"), Fields.activation(config, "hidden_act", "gelu")),
                NormSpec.layer(Fields.epsilon(config, "layer_norm_eps", 1e-5)),
                config.booleanOr("use_parallel_residual", true)
                        ? DecoderSpec.Residual.PARALLEL
                        : DecoderSpec.Residual.SEQUENTIAL,
                1,
                0,
                0,
                Fields.tied(config, false),
                widths.positions());
        return new Architecture.Model(spec, layout(widths, config.booleanOr("attention_bias", true)));
    }

    private static TensorLayout layout(Widths widths, boolean attentionBias) {
        TensorLayout layout = new TensorLayout(List.of("gpt_neox.", ""), "layers.{layer}.")
                .plain(EMBEDDING, "embed_in.weight")
                .plain(FINAL_NORM, "final_layer_norm.weight")
                .plain(FINAL_NORM_BIAS, "final_layer_norm.bias")
                .linear(HEAD, "embed_out")
                .plain(ATTENTION_NORM, "input_layernorm.weight")
                .plain(ATTENTION_NORM_BIAS, "input_layernorm.bias")
                .linear(OUTPUT, "attention.dense")
                .plain(MLP_NORM, "post_attention_layernorm.weight")
                .plain(MLP_NORM_BIAS, "post_attention_layernorm.bias")
                .linear(UP, "mlp.dense_h_to_4h")
                .plain(UP_BIAS, "mlp.dense_h_to_4h.bias")
                .linear(DOWN, "mlp.dense_4h_to_h")
                .plain(DOWN_BIAS, "mlp.dense_4h_to_h.bias");
        String fused = "attention.query_key_value";
        long stored = 3 * widths.queries();
        for (int part = 0; part < FUSED.size(); part++) {
            // Head by head: its query rows, its key rows, its value rows.
            RowOrder order = RowOrder.everyNth(widths.headDim(), FUSED.size(), part);
            layout.with(FUSED.get(part), new Placement.LinearRows(fused, stored, order));
            if (attentionBias) {
                layout.with(FUSED_BIASES.get(part), new Placement.Rows(fused + ".bias", stored, order));
            }
        }
        return attentionBias ? layout.plain(OUTPUT_BIAS, "attention.dense.bias") : layout;
    }
}
