package org.bitscarp.model.internal.packed;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.JsonNode;

/**
 * How compressed-tensors stores the modules of one of its {@code config_groups}.
 *
 * @param bits width of a code
 * @param symmetric whether there are no zero points
 * @param strategy what shares a scale
 * @param groupSize inputs of a group; 0 for the other strategies
 */
record CompressedScheme(int bits, boolean symmetric, Strategy strategy, int groupSize) {
    /** What shares a scale. */
    enum Strategy {
        TENSOR,
        CHANNEL,
        GROUP
    }

    private static final String LAYOUT = "pack-quantized";

    /** The schemes of a model, all different. Everything else that would change the model's results is refused. */
    static List<CompressedScheme> read(ConfigFields fields) throws ModelException {
        layout(fields);
        GroupedFields.refuse(fields, "kv_cache_scheme", "a quantized key/value cache");
        GroupedFields.refuse(fields, "transform_config", "a transformed model");
        Optional<ConfigFields> sparsity = fields.object("sparsity_config");
        if (sparsity.isPresent()
                && !sparsity.get().string("format").orElse("dense").equals("dense")) {
            throw sparsity.get().wrong("format", "dense, since sparse files are not supported");
        }
        Optional<ConfigFields> groups = fields.object("config_groups");
        if (groups.isEmpty() || fields.raw("config_groups").isEmpty()) {
            throw fields.wrong("config_groups", "an object that tells how weights are stored");
        }
        List<CompressedScheme> schemes = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : fields.raw("config_groups").properties()) {
            ConfigFields group = groups.get()
                    .object(entry.getKey())
                    .orElseThrow(() -> groups.get().wrong(entry.getKey(), "an object"));
            CompressedScheme scheme = group(group);
            if (!schemes.contains(scheme)) {
                schemes.add(scheme);
            }
        }
        return schemes;
    }

    private static CompressedScheme group(ConfigFields group) throws ModelException {
        layout(group);
        GroupedFields.refuse(group, "input_activations", "rounding activations");
        GroupedFields.refuse(group, "output_activations", "rounding activations");
        ConfigFields weights = group.object("weights").orElseThrow(() -> group.wrong("weights", "an object"));
        if (!weights.string("type").orElse("int").equals("int")) {
            throw weights.wrong("type", "int");
        }
        GroupedFields.refuse(weights, "dynamic", "rounding weights while they are used");
        int bits = weights.requiredInt("num_bits", 8);
        int size = weights.has("group_size") ? GroupedFields.groupSize(weights, "group_size") : 0;
        String implied = size > 0 ? "group" : size < 0 ? "channel" : "tensor";
        Strategy strategy = switch (weights.string("strategy").orElse(implied).toLowerCase(Locale.ROOT)) {
            case "tensor" -> Strategy.TENSOR;
            case "channel" -> Strategy.CHANNEL;
            case "group" -> Strategy.GROUP;
            default -> throw weights.wrong("strategy", "tensor, channel or group");
        };
        if (strategy == Strategy.GROUP && size <= 0) {
            throw weights.wrong("group_size", "the number of inputs that share a scale");
        }
        return new CompressedScheme(
                bits, weights.booleanOr("symmetric", true), strategy, strategy == Strategy.GROUP ? size : 0);
    }

    private static void layout(ConfigFields fields) throws ModelException {
        if (!fields.string("format").orElse(LAYOUT).equals(LAYOUT)) {
            throw fields.wrong("format", LAYOUT + "; other layouts of compressed-tensors are not supported");
        }
    }

    /** Codes of a word. */
    int perWord() {
        return 32 / bits;
    }

    /** As a level string names it. */
    String name() {
        String scope = switch (strategy) {
            case TENSOR -> "tensor";
            case CHANNEL -> "row";
            case GROUP -> "g" + groupSize;
        };
        return "int" + bits + ":" + scope + (symmetric ? ":sym" : "");
    }
}
