package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.TensorRole.KEY_NORM;
import static org.bitscarp.model.TensorRole.QUERY_NORM;

import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/**
 * The language model of Gemma 3 (Gemma Team 2025): Gemma 2 with norms on query and key heads, mostly without soft caps,
 * and with a rotary embedding of its own in layers with a window: all but every sixth.
 */
final class Gemma3 {
    private Gemma3() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 4, 256, 131_072);
        int pattern = config.intOr("sliding_window_pattern", 6, Integer.MAX_VALUE);
        List<Integer> windows = Windows.byLayer(
                config, widths.layers(), Windows.size(config, 4096), layer -> (layer + 1) % pattern != 0);
        Gemma2.Caps caps = new Gemma2.Caps(
                Fields.softCap(config, "attn_logit_softcapping", 0),
                Fields.softCap(config, "final_logit_softcapping", 0));
        return new Architecture.Model(
                Gemma2.spec(
                        architecture,
                        config,
                        widths,
                        windows,
                        Ropes.readFull(config, widths, 1e6),
                        Ropes.readSliding(config, widths, 1e4),
                        caps),
                Gemma2.layout(config)
                        .with(QUERY_NORM, new Placement.Gain("self_attn.q_norm.weight"))
                        .with(KEY_NORM, new Placement.Gain("self_attn.k_norm.weight")));
    }
}
