package org.bitscarp.model.export;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.GroupedInt;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code quantize_config.json} and the {@code quantization_config} of {@code config.json}, with the keys that AutoGPTQ and
 * GPTQModel write. Maps that differ from the most frequent format get an override under {@code dynamic}, those that are not
 * packed an exclusion; patterns match one module's name each.
 */
final class GptqConfig {
    private GptqConfig() {}

    /**
     * @param packed format of each packed module
     * @param left modules of the layers that are not packed
     * @param ordered whether any module has its own order of inputs
     * @param head whether the output projection is packed
     */
    static ObjectNode of(
            GptqPlan plan, Map<String, GroupedInt> packed, List<String> left, boolean ordered, boolean head) {
        GroupedInt format = mostFrequent(packed);
        ObjectNode config = JsonMapper.shared().createObjectNode();
        put(config, format);
        config.put("desc_act", ordered);
        config.put("static_groups", plan.history().staticGroups());
        config.put("true_sequential", plan.history().trueSequential());
        config.put("damp_percent", plan.history().dampPercent());
        config.put("lm_head", head);
        config.put("quant_method", "gptq");
        config.put("checkpoint_format", plan.version() == 1 ? "gptq" : "gptq_v2");
        config.put("pack_dtype", "int32");
        ObjectNode dynamic = JsonMapper.shared().createObjectNode();
        packed.forEach((module, other) -> {
            if (!other.equals(format)) {
                put(dynamic.putObject("+:" + pattern(module)), other);
            }
        });
        left.forEach(module -> dynamic.putObject("-:" + pattern(module)));
        if (!dynamic.isEmpty()) {
            config.set("dynamic", dynamic);
        }
        config.putObject("meta").putArray("quantizer").add(plan.history().quantizer());
        return config;
    }

    private static void put(ObjectNode node, GroupedInt format) {
        node.put("bits", format.bits());
        node.put(
                "group_size",
                format.scope().equals(BlockScope.ROW) ? -1 : format.scope().size());
        node.put("sym", format.symmetric());
    }

    private static String pattern(String module) {
        return "^" + module.replace(".", "\\.") + "$";
    }

    private static GroupedInt mostFrequent(Map<String, GroupedInt> packed) {
        Map<GroupedInt, Long> counts = packed.values().stream()
                .collect(Collectors.groupingBy(Function.identity(), LinkedHashMap::new, Collectors.counting()));
        return counts.entrySet().stream()
                .max(Comparator.comparingLong(Map.Entry::getValue))
                .orElseThrow()
                .getKey();
    }
}
