package org.bitscarp.model.internal.packed;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TinyLlama;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedSourcesTest {
    @TempDir
    Path folder;

    private String refusal(String quantization) throws IOException {
        TinyLlama model = new TinyLlama();
        model.write(folder);
        Files.writeString(
                folder.resolve("config.json"),
                model.config().replaceFirst("\\{", "{\"quantization_config\": " + quantization + ","));
        return assertThrows(ModelException.class, () -> Checkpoints.open(folder))
                .getMessage();
    }

    @Test
    void anUnknownMethodIsRefusedByName() throws IOException {
        String message = refusal("{\"quant_method\": \"quark\"}");
        assertTrue(message.contains("\"quark\"") && message.contains("config.json"), message);
    }
}
