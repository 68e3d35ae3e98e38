package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.Json;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/** Chooses how the linear maps of a Hugging Face folder are stored. */
public final class PackedSources {
    /** Where quantizers put their configuration beside {@code config.json}: AutoGPTQ, GPTQModel. */
    static final String QUANTIZE_CONFIG = "quantize_config.json";

    /** The same for early versions of AutoAWQ. */
    private static final String QUANT_CONFIG = "quant_config.json";

    private static final String SUPPORTED = "gptq, awq, compressed-tensors, bitsandbytes, bitnet";
    private static final long MAX_BYTES = 8 << 20;

    private PackedSources() {}

    /**
     * @param configFile {@code config.json}
     * @param config its fields, the outermost object
     * @param plain for models that nobody quantized, and for the modules that a quantizer left alone
     * @throws ModelException for a way of quantizing that is not read
     */
    public static LinearSource of(
            Path configFile, ConfigFields config, SafetensorsFiles tensors, MappedFiles files, LinearSource plain)
            throws IOException {
        Optional<ConfigFields> inConfig = config.object("quantization_config");
        Optional<ConfigFields> beside = beside(configFile, QUANTIZE_CONFIG);
        if (inConfig.isEmpty() && beside.isEmpty()) {
            Optional<ConfigFields> awq = beside(configFile, QUANT_CONFIG);
            return awq.isEmpty() ? plain : AwqLinears.of(awq.get(), tensors, files, plain);
        }
        ConfigFields fields = inConfig.or(() -> beside).orElseThrow();
        return switch (method(fields, inConfig.isEmpty())) {
            case "gptq" -> new GptqLinears(gptq(configFile, config), tensors, files, plain);
            case "awq" -> AwqLinears.of(fields, tensors, files, plain);
            case "compressed-tensors" -> new CompressedTensorsLinears(fields, tensors, files, plain);
            case "bitsandbytes" -> new BitsAndBytesLinears(fields, tensors, files, plain);
            case "bitnet" -> new BitNetLinears(fields, tensors, files, plain);
            default ->
                throw fields.wrong(
                        methodKey(fields), "one of " + SUPPORTED + "; other ways of quantizing are not read");
        };
    }

    /**
     * Who quantized a folder's linear maps; empty where nobody did.
     *
     * @param config fields of {@code config.json}, the outermost object
     */
    public static Optional<String> method(Path configFile, ConfigFields config) throws IOException {
        Optional<ConfigFields> inConfig = config.object("quantization_config");
        Optional<ConfigFields> fields = inConfig.isPresent() ? inConfig : beside(configFile, QUANTIZE_CONFIG);
        if (fields.isPresent()) {
            return Optional.of(method(fields.get(), inConfig.isEmpty()));
        }
        return beside(configFile, QUANT_CONFIG).map(own -> "awq");
    }

    private static String methodKey(ConfigFields fields) {
        return fields.has("method") && !fields.has("quant_method") ? "method" : "quant_method";
    }

    /** @param own whether the fields are those of {@code quantize_config.json}, which early versions of AutoGPTQ wrote */
    private static String method(ConfigFields fields, boolean own) throws ModelException {
        return fields.string(methodKey(fields)).orElse(own ? "gptq" : "").toLowerCase(Locale.ROOT);
    }

    /** @throws ModelException where the model is not GPTQ's */
    static GptqSettings gptq(Path configFile, ConfigFields config) throws IOException {
        Optional<ConfigFields> inConfig = config.object("quantization_config");
        Optional<ConfigFields> beside = beside(configFile, QUANTIZE_CONFIG);
        ConfigFields fields = inConfig.or(() -> beside)
                .orElseThrow(() -> new ModelException(
                        configFile + ": neither quantization_config nor " + QUANTIZE_CONFIG + " says gptq"));
        if (!method(fields, inConfig.isEmpty()).equals("gptq")) {
            throw fields.wrong(methodKey(fields), "gptq");
        }
        return GptqSettings.read(fields, inConfig.isPresent() ? beside : Optional.empty());
    }

    private static Optional<ConfigFields> beside(Path configFile, String name) throws IOException {
        Path file = configFile.resolveSibling(name);
        return Files.exists(file)
                ? Optional.of(new ConfigFields(file, "", Json.readObject(file, MAX_BYTES)))
                : Optional.empty();
    }
}
