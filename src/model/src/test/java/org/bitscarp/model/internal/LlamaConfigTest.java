package org.bitscarp.model.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TinyLlama;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class LlamaConfigTest {
    /** The golden values are computed in fp32 with a division, a power and up to four more operations. */
    private static final double RELATIVE_FP32 = 8 * Math.ulp(1f);

    private static final JsonMapper MAPPER = new JsonMapper();

    @TempDir
    Path folder;

    private LlamaConfig parse(String json) throws IOException {
        return LlamaConfig.read(Files.writeString(folder.resolve("config.json"), json));
    }

    static Stream<Arguments> ropeGoldens() throws IOException {
        try (InputStream in = LlamaConfigTest.class.getResourceAsStream("rope-golden.json")) {
            JsonNode root = MAPPER.readTree(in);
            assertTrue(root.path("_provenance").stringValue("").contains("transformers"));
            return root.properties().stream()
                    .filter(e -> !e.getKey().startsWith("_"))
                    .map(e -> Arguments.of(e.getKey(), e.getValue()))
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("ropeGoldens")
    void ropeEqualsTransformers(String name, JsonNode golden) throws IOException {
        DecoderSpec spec = parse(golden.path("config").toString()).spec();
        JsonNode expected = golden.path("inverse_frequencies");
        double[] found = spec.attention().rope().inverseFrequencies();
        assertEquals(expected.size(), found.length);
        for (int i = 0; i < found.length; i++) {
            double value = expected.get(i).doubleValue();
            assertEquals(value, found[i], RELATIVE_FP32 * value, "pair " + i);
        }
        assertEquals(
                golden.path("attention_factor").doubleValue(),
                spec.attention().rope().attentionFactor(),
                1e-12);
    }

    @Test
    void absentKeysHaveTheDefaultsOfTransformers() throws IOException {
        LlamaConfig config = parse("""
                {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
                 "num_attention_heads": 8, "vocab_size": 1000, "head_dim": null, "rope_scaling": null}""");
        DecoderSpec spec = config.spec();
        assertEquals("LlamaForCausalLM", spec.architecture());
        assertEquals(8, spec.attention().kvHeads());
        assertEquals(8, spec.attention().headDim());
        assertEquals(1e-6f, spec.norm().epsilon());
        assertEquals(2048, spec.maxPositions());
        assertFalse(spec.tiedHead());
        assertFalse(config.attentionBias());
        assertFalse(config.mlpBias());
        assertEquals(-1, config.bosToken());
        assertArrayEquals(
                new double[] {1, 0.1, 0.01, 0.001}, spec.attention().rope().inverseFrequencies(), 1e-15);
    }

    @Test
    void mistralOnlyWithoutSlidingWindow() throws IOException {
        String base = new TinyLlama().config().replace("LlamaForCausalLM", "MistralForCausalLM");
        assertTrue(assertThrows(ModelException.class, () -> parse(base))
                .getMessage()
                .contains("sliding_window"));
        String windowed = base.replaceFirst("\\{", "{\"sliding_window\": 4096,");
        assertTrue(assertThrows(ModelException.class, () -> parse(windowed))
                .getMessage()
                .contains("found 4096"));
        assertEquals(
                "MistralForCausalLM",
                parse(base.replaceFirst("\\{", "{\"sliding_window\": null,"))
                        .spec()
                        .architecture());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hidden_size|0|an integer from 1 to 1048576, found 0",
                "hidden_size|-32|an integer from 1 to 1048576, found -32",
                "hidden_size|2097152|an integer from 1 to 1048576",
                "hidden_size|32.0|an integer from 1 to 1048576, found 32.0",
                "hidden_size|\"32\"|an integer from 1 to 1048576, found \"32\"",
                "hidden_size|null|is missing",
                "hidden_size|34|a divisor of hidden_size (34)",
                "vocab_size|1152921504606846976|an integer from 1 to 16777216, found 1152921504606846976",
                "num_hidden_layers|10001|an integer from 1 to 10000",
                "num_key_value_heads|3|a divisor of num_attention_heads (4), found 3",
                "num_attention_heads|32|found 1 (hidden_size / num_attention_heads)",
                "head_dim|7|an even number",
                "head_dim|1000000|heads × head_dim up to",
                "rms_norm_eps|0|a number from",
                "rms_norm_eps|1e308|a number from",
                "rms_norm_eps|1e999|a number from",
                "rms_norm_eps|true|a number from",
                "rope_theta|-1|a number from",
                "rope_theta|\"NaN\"|a number from",
                "hidden_act|\"gelu\"|hidden_act: expected silu, found \"gelu\"",
                "tie_word_embeddings|1|tie_word_embeddings: expected true or false, found 1",
                "architectures|[\"GPT2LMHeadModel\"]|architecture GPT2LMHeadModel is not supported; supported: LlamaForCausalLM",
                "partial_rotary_factor|0.5|partial_rotary_factor: expected 1",
                "rope_scaling|[]|rope_scaling: expected an object or null, found an array of 0",
                "rope_scaling|{\"type\": \"dynamic\", \"factor\": 2}|rope_scaling.type: expected one of default, linear, llama3, yarn, found \"dynamic\"",
                "rope_scaling|{\"rope_type\": \"longrope\"}|one of default, linear, llama3, yarn, found \"longrope\"",
                "rope_scaling|{\"rope_type\": \"linear\"}|rope_scaling.factor is missing",
                "rope_scaling|{\"rope_type\": \"linear\", \"factor\": 0}|rope_scaling.factor: expected a number from",
                "rope_scaling|{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}|more than low_freq_factor",
                "rope_scaling|{\"rope_type\": \"yarn\", \"factor\": 8, \"attention_factor\": 0}|an attention factor of 0.0",
                "rope_scaling|{\"rope_type\": \"yarn\", \"factor\": 8, \"rope_theta\": 1}|more than 1 for yarn",
                "rope_scaling|{\"rope_type\": \"default\", \"partial_rotary_factor\": 0.25}|rope_scaling.partial_rotary_factor",
            })
    void wrongValuesNameKeyFoundAndExpected(String key, String value, String message) throws IOException {
        ObjectNode config = (ObjectNode) MAPPER.readTree(new TinyLlama().config());
        config.set(key, MAPPER.readTree(value));
        config.remove(key.equals("hidden_size") ? "head_dim" : "");
        String text = config.toString().replaceAll("\"" + key + "\":Infinity", "\"" + key + "\":1e999");
        String found = assertThrows(ModelException.class, () -> parse(text)).getMessage();
        assertTrue(found.contains(message) && found.contains("config.json"), found);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"a\": 1, \"a\": 2}|Duplicate",
                "{\"a\": NaN}|not valid JSON at line 1",
                "{\"a\": 1} x|not valid JSON",
                "[1]|expected a JSON object, found an array of 1",
                "''|expected a JSON object, found",
                "{\"a\": |not valid JSON",
            })
    void notAJsonObject(String text, String message) {
        String found = assertThrows(ModelException.class, () -> parse(text)).getMessage();
        assertTrue(found.contains(message), found);
    }

    @Test
    void otherEncodingsAndDeepNestingAreRefused() throws IOException {
        Path file = folder.resolve("config.json");
        Files.write(file, new TinyLlama().config().getBytes(java.nio.charset.StandardCharsets.UTF_16LE));
        assertThrows(ModelException.class, () -> LlamaConfig.read(file));
        Files.write(file, new byte[] {'{', '"', (byte) 0xC0, (byte) 0x80, '"', ':', '1', '}'});
        assertTrue(assertThrows(ModelException.class, () -> LlamaConfig.read(file))
                .getMessage()
                .contains("not UTF-8"));
        String deep = "{\"a\":" + "[".repeat(1_000_000) + "]".repeat(1_000_000) + "}";
        assertTrue(assertThrows(ModelException.class, () -> parse(deep))
                .getMessage()
                .contains("depth"));
    }
}
