package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DamagedFiles;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.export.GgufConvert;
import org.bitscarp.model.export.GgufModel;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GGUF files of every architecture with damaged headers. */
class HostileGgufTest extends DamagedFiles {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "mixtral",
                "qwen2",
                "qwen3",
                "qwen3-moe",
                "gemma2",
                "gemma3",
                "bitnet",
                "phi3-longrope-long",
                "gpt2",
                "gptneox",
                "mistral-window"
            })
    void headers(String name) throws IOException {
        Path model = LlamaCppVariants.copy(name, folder.resolve("model"));
        Path file = folder.resolve("m.gguf");
        long header;
        try (Checkpoint source = Checkpoints.open(model)) {
            GgufConvert.convert(GgufModel.of(source), file, false, "test");
        }
        try (Checkpoint written = Checkpoints.open(file)) {
            header = written.tensors().stream()
                    .mapToLong(TensorInfo::offset)
                    .min()
                    .orElseThrow();
        }
        tokenizes = true;
        survivesGguf(600, file, Files.readAllBytes(file), (int) header);
        assertTrue(opened > 10, "some damage is harmless: " + opened);
    }
}
