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
import static org.bitscarp.model.TensorRole.MLP_NORM;
import static org.bitscarp.model.TensorRole.MLP_NORM_BIAS;
import static org.bitscarp.model.TensorRole.OUTPUT;
import static org.bitscarp.model.TensorRole.OUTPUT_BIAS;
import static org.bitscarp.model.TensorRole.POSITION_EMBEDDING;
import static org.bitscarp.model.TensorRole.QUERY;
import static org.bitscarp.model.TensorRole.UP;
import static org.bitscarp.model.TensorRole.UP_BIAS;
import static org.bitscarp.model.TensorRole.VALUE;

import java.util.List;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.weights.RowOrder;

/** OPT (Zhang et al. 2022): learned positions of which the first two are unused; norms behind the blocks in OPT-350m. */
final class Opt {
    /** {@code OPTLearnedPositionalEmbedding.offset}. */
    private static final int UNUSED_POSITIONS = 2;

    /** PyTorch's default; OPT's configuration has no key for it. */
    private static final float EPSILON = 1e-5f;

    private Opt() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Fields.require(config, "layer_norm_elementwise_affine", true, true);
        Widths widths = Widths.divided(config, 2048);
        int projected = config.intOr("word_embed_proj_dim", widths.hidden(), Integer.MAX_VALUE);
        if (projected != widths.hidden()) {
            throw config.wrong(
                    "word_embed_proj_dim",
                    "hidden_size (" + widths.hidden() + "), since projected embeddings are not supported");
        }
        boolean before = config.booleanOr("do_layer_norm_before", true);
        boolean finalNorm = before && !config.booleanOr("_remove_final_layer_norm", false);
        DecoderSpec spec = new DecoderSpec(
                architecture,
                widths.vocabulary(),
                widths.hidden(),
                widths.layers(),
                widths.attention(null),
                MlpSpec.dense(Widths.ffn(config, "ffn_dim"), Fields.activation(config, "activation_function", "relu")),
                NormSpec.layer(EPSILON),
                before ? DecoderSpec.Residual.SEQUENTIAL : DecoderSpec.Residual.POST_NORM,
                1,
                0,
                0,
                Fields.tied(config, true),
                widths.positions());
        return new Architecture.Model(spec, layout(widths, finalNorm, config.booleanOr("enable_bias", true)));
    }

    private static TensorLayout layout(Widths widths, boolean finalNorm, boolean biases) {
        TensorLayout layout = new TensorLayout(List.of("model.decoder.", "decoder.", ""), "layers.{layer}.")
                .plain(EMBEDDING, "embed_tokens.weight")
                .with(
                        POSITION_EMBEDDING,
                        new Placement.Rows(
                                "embed_positions.weight",
                                widths.positions() + (long) UNUSED_POSITIONS,
                                RowOrder.from(UNUSED_POSITIONS)))
                .linear(HEAD, "lm_head")
                .plain(ATTENTION_NORM, "self_attn_layer_norm.weight")
                .plain(ATTENTION_NORM_BIAS, "self_attn_layer_norm.bias")
                .linear(QUERY, "self_attn.q_proj")
                .linear(KEY, "self_attn.k_proj")
                .linear(VALUE, "self_attn.v_proj")
                .linear(OUTPUT, "self_attn.out_proj")
                .plain(MLP_NORM, "final_layer_norm.weight")
                .plain(MLP_NORM_BIAS, "final_layer_norm.bias")
                .linear(UP, "fc1")
                .linear(DOWN, "fc2");
        if (finalNorm) {
            layout.plain(FINAL_NORM, "final_layer_norm.weight").plain(FINAL_NORM_BIAS, "final_layer_norm.bias");
        }
        if (biases) {
            Layouts.inputBiases(layout)
                    .plain(OUTPUT_BIAS, "self_attn.out_proj.bias")
                    .plain(UP_BIAS, "fc1.bias")
                    .plain(DOWN_BIAS, "fc2.bias");
        }
        return layout;
    }
}
