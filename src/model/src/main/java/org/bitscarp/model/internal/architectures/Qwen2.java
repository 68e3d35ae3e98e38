package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/** Qwen 2 and 2.5: biases on queries, keys and values; a sliding window in the upper layers where it is switched on. */
final class Qwen2 {
    private Qwen2() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        Widths widths = Widths.read(config, 32, 0, 32_768);
        return new Architecture.Model(
                Llama.spec(architecture, config, widths, attention(config, widths), 1e-6),
                Layouts.inputBiases(Layouts.llama()));
    }

    /** Full attention in the first {@code max_window_layers} layers, unless {@code layer_types} says otherwise. */
    static AttentionSpec attention(ConfigFields config, Widths widths) throws ModelException {
        int full = config.count("max_window_layers", 28, Integer.MAX_VALUE);
        return Windows.on(
                widths.attention(Ropes.read(config, widths)),
                Windows.byLayer(config, widths.layers(), Windows.switched(config), layer -> layer >= full));
    }
}
