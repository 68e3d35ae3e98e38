package org.bitscarp.model.internal.packed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.TinyLlama;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class PackedSourcesTest {
    private static final String CT = "'quant_method': 'compressed-tensors', 'format': 'pack-quantized'";
    private static final String W4 = "'weights': {'num_bits': 4, 'strategy': 'group', 'group_size': 32}";

    @TempDir
    Path folder;

    private void write(String quantization) throws IOException {
        TinyLlama model = new TinyLlama();
        model.write(folder);
        Files.writeString(
                folder.resolve("config.json"),
                model.config()
                        .replaceFirst("\\{", "{\"quantization_config\": {" + quantization.replace('\'', '"') + "},"));
    }

    private String refusal() {
        return assertThrows(ModelException.class, () -> Checkpoints.open(folder))
                .getMessage();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'quant_method': 'quark'|quant_method: expected one of gptq, awq|\"quark\"",
                "'bits': 4|quant_method: expected one of|found nothing",
                "'quant_method': 'gptq', 'bits': 5, 'group_size': 32|bits: expected 2, 3, 4 or 8|found 5",
                "'quant_method': 'gptq', 'group_size': 32|bits is missing|integer",
                "'quant_method': 'gptq', 'bits': 4|group_size is missing|integer",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': -2|group_size: expected an integer|found -2",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'checkpoint_format': 'gptq_p'|expected gptq or gptq_v2|\"gptq_p\"",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'checkpoint_format': 'marlin'|expected gptq or gptq_v2|\"marlin\"",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'checkpoint_format': 'gptq', 'format': 'gptq_v2'|format: expected version 1|\"gptq_v2\"",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'is_marlin_format': true|is_marlin_format|marlin layout",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'rotation': 'hadamard'|rotation: expected none|\"hadamard\"",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'pack_dtype': 'int64'|pack_dtype: expected int32|\"int64\"",
                "'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'dynamic': {'+:x': {'format': 'marlin'}}|dynamic.+:x.format: expected none|\"marlin\"",
                "'quant_method': 'awq', 'bits': 8, 'group_size': 32|bits: expected 4|found 8",
                "'quant_method': 'awq', 'bits': 4, 'group_size': 32, 'version': 'gemv'|version: expected gemm|\"gemv\"",
                "'quant_method': 'bitsandbytes', 'load_in_8bit': true|load_in_8bit: expected none|8-bit",
                "'quant_method': 'bitnet', 'use_rms_norm': true|use_rms_norm: expected none|norm",
                "'quant_method': 'bitnet', 'linear_class': 'x'|linear_class: expected bitlinear or autobitlinear|\"x\"",
                "'quant_method': 'bitnet', 'linear_class': 'autobitlinear', 'quantization_mode': 'online', 'modules_to_not_convert': ['gate']|modules_to_not_convert|lm_head",
                "'quant_method': 'bitnet', 'modules_to_not_convert': ['.*proj']|modules_to_not_convert|without patterns",
                "'quant_method': 'compressed-tensors', 'format': 'float-quantized'|format: expected pack-quantized|\"float-quantized\"",
                CT + "|config_groups: expected an object|found nothing",
                CT + ", 'config_groups': {'g': {" + W4
                        + ", 'format': 'int-quantized'}}|config_groups.g.format|\"int-quantized\"",
                CT + ", 'config_groups': {'g': {" + W4
                        + ", 'input_activations': {'num_bits': 8}}}|g.input_activations|activations",
                CT + ", 'config_groups': {'g': {" + W4 + "}}, 'kv_cache_scheme': {'num_bits': 8}|kv_cache_scheme|cache",
                CT + ", 'config_groups': {'g': {" + W4
                        + "}}, 'transform_config': {'a': 1}|transform_config|transformed",
                CT + ", 'config_groups': {'g': {" + W4
                        + "}}, 'sparsity_config': {'format': 'sparse-bitmask'}|sparsity_config.format|\"sparse-bitmask\"",
                CT
                        + ", 'config_groups': {'g': {'weights': {'num_bits': 4, 'strategy': 'block'}}}|strategy: expected tensor, channel or group|\"block\"",
                CT
                        + ", 'config_groups': {'g': {'weights': {'num_bits': 4, 'type': 'float'}}}|type: expected int|\"float\"",
            })
    void whatChangesTheResultIsRefusedByName(String quantization, String key, String found) throws IOException {
        write(quantization);
        String message = refusal();
        assertTrue(
                message.contains("config.json: quantization_config.")
                        && message.contains(key)
                        && message.contains(found),
                message);
    }

    @Test
    void filesThatContradictEachOtherAreRefused() throws IOException {
        write("'quant_method': 'gptq', 'bits': 4, 'group_size': 32, 'sym': true");
        Path beside = folder.resolve("quantize_config.json");
        Files.writeString(beside, "{\"bits\": 4, \"group_size\": 32, \"sym\": false}");
        String message = refusal();
        assertTrue(
                message.contains("quantize_config.json: sym: expected true, which is what config.json says"), message);
        Files.writeString(beside, "{\"bits\": 4, \"group_size\": 32, \"damp_percent\": 0.1}");
        try (Checkpoint checkpoint = Checkpoints.open(folder)) {
            assertEquals(
                    "FP32", checkpoint.weight(TensorRole.QUERY, 0).orElseThrow().formatName());
        }
    }

    /** Early versions of AutoGPTQ and AutoAWQ put their configuration beside {@code config.json} only. */
    @ParameterizedTest
    @CsvSource({
        "gptq-v1-4bit-sym-g32, quantize_config.json, int4:g32:sym gptq v1",
        "awq-gemm-g32, quant_config.json, int4:g32 awq"
    })
    void configurationBesideTheModels(String fixture, String file, String format) throws Exception {
        Path source =
                Path.of(Objects.requireNonNull(getClass().getResource(fixture)).toURI());
        Files.copy(source.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(source.resolve("config.json"));
        ObjectNode quantization = (ObjectNode) config.remove("quantization_config");
        quantization.remove("quant_method");
        Files.writeString(folder.resolve("config.json"), config.toString());
        Files.writeString(folder.resolve(file), quantization.toString());
        try (Checkpoint checkpoint = Checkpoints.open(folder)) {
            assertEquals(
                    format, checkpoint.weight(TensorRole.QUERY, 0).orElseThrow().formatName());
        }
    }
}
