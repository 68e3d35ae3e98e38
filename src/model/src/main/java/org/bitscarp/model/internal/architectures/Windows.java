package org.bitscarp.model.internal.architectures;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.Json;
import tools.jackson.databind.JsonNode;

/** How far back each layer sees. */
final class Windows {
    private static final String KEY = "sliding_window";
    private static final String TYPES = "layer_types";
    static final String SLIDING = "sliding_attention";
    static final String FULL = "full_attention";

    private Windows() {}

    /**
     * {@code sliding_window}: tokens that a layer with a window sees, itself included; 0 for all.
     *
     * @param absent what a missing key means; {@code null} means all
     */
    static int size(ConfigFields config, int absent) throws ModelException {
        return config.isNull(KEY) ? 0 : config.intOr(KEY, absent, Integer.MAX_VALUE);
    }

    /** Qwen's: a window only where {@code use_sliding_window} says so. */
    static int switched(ConfigFields config) throws ModelException {
        return config.booleanOr("use_sliding_window", false) ? size(config, 4096) : 0;
    }

    /** The same window in every layer. */
    static List<Integer> everywhere(int layers, int window) {
        return window == 0 ? List.of() : Collections.nCopies(layers, window);
    }

    /** Windows in the layers that {@code layer_types} names, or by a family's rule where that is absent. */
    static List<Integer> byLayer(ConfigFields config, int layers, int window, IntPredicate rule) throws ModelException {
        boolean[] sliding = new boolean[layers];
        boolean any = false;
        for (int layer = 0; layer < layers; layer++) {
            sliding[layer] = config.has(TYPES) ? named(config, layer, layers) : window > 0 && rule.test(layer);
            any |= sliding[layer];
        }
        if (!any) {
            return List.of();
        }
        if (window == 0) {
            throw config.wrong(KEY, "a number of tokens, since " + TYPES + " names layers with " + SLIDING);
        }
        List<Integer> windows = new ArrayList<>(layers);
        for (boolean s : sliding) {
            windows.add(s ? window : 0);
        }
        return windows;
    }

    private static boolean named(ConfigFields config, int layer, int layers) throws ModelException {
        JsonNode types = config.raw(TYPES);
        if (!types.isArray() || types.size() != layers) {
            throw config.wrong(TYPES, "an array of " + layers + " (num_hidden_layers)");
        }
        String type = types.get(layer).isString() ? types.get(layer).stringValue() : "";
        if (!type.equals(SLIDING) && !type.equals(FULL)) {
            throw new ModelException(config.file() + ": " + TYPES + " of layer " + layer + ": expected " + FULL + " or "
                    + SLIDING + ", found " + Json.kind(types.get(layer)));
        }
        return type.equals(SLIDING);
    }

    /** The same attention with windows. */
    static AttentionSpec on(AttentionSpec a, List<Integer> windows) {
        return new AttentionSpec(
                a.heads(), a.kvHeads(), a.headDim(), a.scale(), a.softCap(), windows, a.rope(), a.localRope());
    }
}
