package org.bitscarp.model.internal.packed;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.JsonNode;

/**
 * What a GPTQ checkpoint says of itself, in {@code config.json}'s {@code quantization_config}, in
 * {@code quantize_config.json}, or in both.
 *
 * @param bits width of a code where {@code dynamic} says nothing else
 * @param groupSize inputs that share a scale, or −1 for all
 * @param symmetric empty where nothing is said
 * @param version 1 or 2: {@code checkpoint_format} {@code gptq} or {@code gptq_v2}; 0 where nothing is said
 * @param dynamic whether modules may deviate from {@code bits} and {@code groupSize}
 */
record GptqSettings(int bits, int groupSize, Optional<Boolean> symmetric, int version, boolean dynamic) {
    static final List<Integer> WIDTHS = List.of(2, 3, 4, 8);

    /** Keys that must not differ between the two files. */
    private static final List<String> SHARED = List.of(
            "bits", "group_size", "sym", "desc_act", "checkpoint_format", "format", "quant_method", "pack_dtype");

    /** What an override for some modules may set: width and groups follow from shapes, the rest is history. */
    private static final Set<String> OVERRIDES = Set.of(
            "bits",
            "group_size",
            "sym",
            "desc_act",
            "act_group_aware",
            "static_groups",
            "true_sequential",
            "damp_percent",
            "damp_auto_increment",
            "mse",
            "lm_head",
            "fallback");

    /** @param second the other file's fields, where there are two */
    static GptqSettings read(ConfigFields first, Optional<ConfigFields> second) throws ModelException {
        if (second.isPresent()) {
            for (String key : SHARED) {
                if (first.has(key)
                        && second.get().has(key)
                        && !first.raw(key).equals(second.get().raw(key))) {
                    throw second.get()
                            .wrong(key, first.raw(key) + ", which is what config.json says; one of them is wrong");
                }
            }
        }
        ConfigFields bits = holder(first, second, "bits");
        int width = bits.requiredInt("bits", 32);
        if (!WIDTHS.contains(width)) {
            throw bits.wrong("bits", "2, 3, 4 or 8");
        }
        boolean dynamic = false;
        int version = 0;
        for (ConfigFields fields : second.isPresent() ? List.of(first, second.get()) : List.of(first)) {
            GroupedFields.refuse(fields, "rotation", "a rotated model");
            GroupedFields.refuse(fields, "adapter", "an adapter");
            GroupedFields.refuse(fields, "is_marlin_format", "the marlin layout");
            if (!fields.string("pack_dtype").orElse("int32").equals("int32")) {
                throw fields.wrong("pack_dtype", "int32");
            }
            dynamic |= dynamic(fields);
            for (String key : List.of("checkpoint_format", "format")) {
                int said = version(fields, key);
                if (said != 0 && version != 0 && said != version) {
                    throw fields.wrong(key, "version " + version + ", which is said elsewhere; one of them is wrong");
                }
                version = Math.max(version, said);
            }
        }
        ConfigFields symmetric = holder(first, second, "sym");
        return new GptqSettings(
                width,
                GroupedFields.groupSize(holder(first, second, "group_size"), "group_size"),
                symmetric.has("sym") ? Optional.of(symmetric.booleanOr("sym", true)) : Optional.empty(),
                version,
                dynamic);
    }

    private static ConfigFields holder(ConfigFields first, Optional<ConfigFields> second, String key) {
        return first.has(key) ? first : second.filter(fields -> fields.has(key)).orElse(first);
    }

    private static int version(ConfigFields fields, String key) throws ModelException {
        return switch (fields.string(key).orElse("").toLowerCase(Locale.ROOT)) {
            case "" -> 0;
            case "gptq" -> 1;
            case "gptq_v2" -> 2;
            default -> throw fields.wrong(key, "gptq or gptq_v2; other layouts are not supported");
        };
    }

    private static boolean dynamic(ConfigFields fields) throws ModelException {
        Optional<ConfigFields> rules = fields.object("dynamic");
        if (rules.isEmpty()) {
            return false;
        }
        for (Map.Entry<String, JsonNode> rule : fields.raw("dynamic").properties()) {
            Optional<ConfigFields> override = rules.get().object(rule.getKey());
            if (override.isPresent()) {
                for (String key : rule.getValue().propertyNames()) {
                    if (!OVERRIDES.contains(key)) {
                        throw override.get().wrong(key, "none for some modules only");
                    }
                }
            }
        }
        return true;
    }
}
