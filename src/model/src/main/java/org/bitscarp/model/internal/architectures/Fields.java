package org.bitscarp.model.internal.architectures;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/** Keys that mean the same in several families. */
final class Fields {
    /** transformers' names ({@code activations.py}); several are the same function. */
    private static final Map<String, Activation> ACTIVATIONS = new TreeMap<>(Map.ofEntries(
            Map.entry("silu", Activation.SILU),
            Map.entry("swish", Activation.SILU),
            Map.entry("gelu", Activation.GELU),
            Map.entry("gelu_python", Activation.GELU),
            Map.entry("gelu_new", Activation.GELU_TANH),
            Map.entry("gelu_fast", Activation.GELU_TANH),
            Map.entry("gelu_pytorch_tanh", Activation.GELU_TANH),
            Map.entry("relu", Activation.RELU),
            Map.entry("relu2", Activation.RELU_SQUARED)));

    private Fields() {}

    static Activation activation(ConfigFields config, String key, String absent) throws ModelException {
        Activation activation = ACTIVATIONS.get(config.string(key).orElse(absent));
        if (activation == null) {
            throw config.wrong(key, "one of " + String.join(", ", ACTIVATIONS.keySet()));
        }
        return activation;
    }

    static float epsilon(ConfigFields config, String key, double absent) throws ModelException {
        return (float) config.number(key, 1e-30, 1).orElse(absent);
    }

    /** A soft cap, 0 for none: {@code null} means none, an absent key the default. */
    static float softCap(ConfigFields config, String key, double absent) throws ModelException {
        OptionalDouble cap = config.number(key, 1e-3, 1e9);
        return (float) cap.orElse(config.isNull(key) ? 0 : absent);
    }

    /** Gemma's factor on query-key products: {@code query_pre_attn_scalar} to the power −½. */
    static float queryScale(ConfigFields config) throws ModelException {
        return (float)
                (1 / Math.sqrt(config.number("query_pre_attn_scalar", 1e-6, 1e9).orElse(256)));
    }

    static boolean tied(ConfigFields config, boolean absent) throws ModelException {
        return config.booleanOr("tie_word_embeddings", absent);
    }

    /** Refuses a switch that would change the forward pass in a way that is not supported. */
    static void require(ConfigFields config, String key, boolean value, boolean absent) throws ModelException {
        if (config.booleanOr(key, absent) != value) {
            throw config.wrong(key, value + ", since nothing else is supported");
        }
    }
}
