package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/** Mistral (Jiang et al. 2023): Llama with a sliding window in every layer, unless the configuration says null. */
final class Mistral {
    private Mistral() {}

    static Architecture.Model read(String architecture, ConfigFields config) throws ModelException {
        if (config.has("layer_types")) {
            throw config.wrong("layer_types", "nothing, since all layers of a Mistral are alike");
        }
        Widths widths = Widths.read(config, 8, 0, 131_072);
        AttentionSpec attention = Windows.on(
                widths.attention(Ropes.read(config, widths)),
                Windows.everywhere(widths.layers(), Windows.size(config, 4096)));
        return new Architecture.Model(Llama.spec(architecture, config, widths, attention, 1e-6), Layouts.llama());
    }
}
