package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.TensorRole.GATE;
import static org.bitscarp.model.TensorRole.KEY;
import static org.bitscarp.model.TensorRole.QUERY;
import static org.bitscarp.model.TensorRole.UP;
import static org.bitscarp.model.TensorRole.VALUE;

import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.weights.RowOrder;

/** Phi-3 and Phi-4-mini: Llama with fused projections, heads that may be rotated in part, LongRoPE. */
final class Phi3 {
    private Phi3() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 0, 0, 4096);
        AttentionSpec attention = Windows.on(
                widths.attention(Ropes.read(config, widths, Ropes.Defaults.PHI3)),
                Windows.everywhere(widths.layers(), Windows.size(config, 0)));
        DecoderSpec spec = Llama.spec(architecture, config, widths, attention, 1e-5);
        String qkv = "self_attn.qkv_proj";
        long outputs = widths.queries() + 2 * widths.keys();
        String gateUp = "mlp.gate_up_proj";
        long ffn = spec.mlp().width();
        TensorLayout layout = Layouts.llama();
        rows(layout, QUERY, qkv, outputs, 0);
        rows(layout, KEY, qkv, outputs, widths.queries());
        rows(layout, VALUE, qkv, outputs, widths.queries() + widths.keys());
        rows(layout, GATE, gateUp, 2 * ffn, 0);
        rows(layout, UP, gateUp, 2 * ffn, ffn);
        return new Architecture.Model(spec, layout);
    }

    private static void rows(TensorLayout layout, TensorRole role, String module, long stored, long first) {
        layout.with(role, new Placement.LinearRows(module, stored, RowOrder.from(first)));
    }
}
