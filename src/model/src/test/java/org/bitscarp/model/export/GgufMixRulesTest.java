package org.bitscarp.model.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.ggml.GgufMix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Types of tensors against those that llama-quantize chooses, for models of many shapes. */
class GgufMixRulesTest {
    private static final List<String> MODELS = List.of(
            "llama-5-layers-tied",
            "llama-7b",
            "llama-8b",
            "llama-13-layers",
            "llama-70b",
            "llama-65b",
            "qwen2-72b",
            "qwen2-half",
            "mixtral",
            "qwen3moe",
            "experts-4",
            "odd-widths",
            "gptneox",
            "gpt2");

    /** A fixture: the model, its tensors in the order of the file, and what llama-quantize made of each. */
    private record Fixture(
            GgufMixRules.Model model,
            List<GgufTensorShape> tensors,
            Map<String, List<String>> names,
            Map<String, List<String>> lines) {
        /** Type by name; null where llama-quantize gives up. */
        Map<String, String> types(String mix, boolean importances) {
            Map<String, String> types = new TreeMap<>();
            for (String kind : kinds()) {
                List<String> plain = lines.get("mix " + mix + " " + kind);
                List<String> weighted = lines.get("imatrix " + mix + " " + kind);
                List<String> runs = importances && weighted != null ? weighted : plain;
                if (runs == null) {
                    continue;
                }
                List<String> same = names.get(kind);
                List<String> expanded = new ArrayList<>();
                for (String run : runs) {
                    String[] parts = run.split("\\*");
                    for (int i = 0; i < (parts.length == 1 ? 1 : Integer.parseInt(parts[1])); i++) {
                        expanded.add(parts[0]);
                    }
                }
                assertEquals(same.size(), expanded.size());
                for (int i = 0; i < same.size(); i++) {
                    types.put(same.get(i), expanded.get(i));
                }
            }
            return lines.containsKey("mix " + mix + " fails") ? null : types;
        }

        private Set<String> kinds() {
            return names.keySet();
        }
    }

    private static Fixture read(String name) throws IOException {
        GgufMixRules.Model model = null;
        List<GgufTensorShape> tensors = new ArrayList<>();
        Map<String, List<String>> names = new LinkedHashMap<>();
        Map<String, List<String>> lines = new HashMap<>();
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                GgufMixRulesTest.class.getResourceAsStream("/mixes/" + name + ".txt"), StandardCharsets.US_ASCII))) {
            for (String line : reader.lines().filter(l -> !l.startsWith("#")).toList()) {
                String[] words = line.split(" ");
                switch (words[0]) {
                    case "model" ->
                        model = new GgufMixRules.Model(
                                words[1], number(words[3]), number(words[5]), number(words[7]), number(words[9]));
                    case "tensor" -> {
                        List<GgufTensorShape> expanded = expand(words);
                        tensors.addAll(expanded);
                        names.put(
                                words[1],
                                expanded.stream().map(GgufTensorShape::name).toList());
                    }
                    default ->
                        lines.put(
                                String.join(" ", Arrays.asList(words).subList(0, 3)),
                                Arrays.asList(words).subList(3, words.length));
                }
            }
        }
        return new Fixture(model, tensors, names, lines);
    }

    private static List<GgufTensorShape> expand(String[] words) {
        List<Long> shape = Arrays.stream(words[2].split("x")).map(Long::valueOf).toList();
        String[] layers = words.length < 4 ? new String[] {"0", "0"} : words[3].split("-");
        List<GgufTensorShape> tensors = new ArrayList<>();
        for (int layer = number(layers[0]); layer <= number(layers[1]); layer++) {
            tensors.add(new GgufTensorShape(words[1].replace("*", "" + layer), shape.reversed()));
        }
        return tensors;
    }

    private static int number(String word) {
        return Integer.parseInt(word);
    }

    @ParameterizedTest
    @EnumSource
    void everyTensorGetsTheTypeThatLlamaQuantizeGivesIt(GgufMix mix) throws IOException {
        int compared = 0;
        for (String name : MODELS) {
            Fixture fixture = read(name);
            for (boolean importances : new boolean[] {false, true}) {
                Map<String, String> expected = fixture.types(mix.word(), importances);
                if (expected == null) {
                    continue;
                }
                Map<String, String> types = new TreeMap<>();
                Map<String, BlockFormat> chosen =
                        GgufMixRules.types(mix, importances, fixture.model(), fixture.tensors());
                for (GgufTensorShape tensor : fixture.tensors()) {
                    if (chosen.containsKey(tensor.name())) {
                        types.put(
                                tensor.name(),
                                WidthFallback.of(chosen.get(tensor.name()), tensor.columns())
                                        .name()
                                        .replace("fp16", "f16"));
                    }
                }
                assertEquals(expected, types, name + (importances ? " with importances" : ""));
                compared++;
            }
        }
        assertTrue(compared >= 2 * (MODELS.size() - 1), "models compared: " + compared);
    }

    /** In an F16 file, what may be quantized is F16 and the rest as it was. */
    @ParameterizedTest
    @ValueSource(strings = {"f16", "bf16"})
    void whatMayBeQuantizedIsWhatAFloatFileConverts(String mix) throws IOException {
        for (String name : MODELS) {
            Fixture fixture = read(name);
            assertEquals(
                    fixture.types(mix, false).keySet(),
                    new TreeMap<>(fixture.tensors().stream()
                                    .filter(GgufTensorShape::quantizable)
                                    .collect(java.util.stream.Collectors.toMap(GgufTensorShape::name, t -> "")))
                            .keySet(),
                    name);
        }
    }
}
