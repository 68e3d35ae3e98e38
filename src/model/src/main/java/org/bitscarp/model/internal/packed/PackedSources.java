package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.Json;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/** Chooses how the linear maps of a Hugging Face folder are stored. */
public final class PackedSources {
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
        if (config.has("quantization_config")) {
            throw new ModelException(configFile + ": the checkpoint is already quantized (quantization_config: "
                    + Json.kind(config.raw("quantization_config").path("quant_method"))
                    + "); use the original it was made from");
        }
        return plain;
    }
}
