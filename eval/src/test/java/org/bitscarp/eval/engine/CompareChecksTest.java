package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Equal shapes are not enough: what changes the arithmetic is named too. */
class CompareChecksTest {
    private static final Path MIXTRAL = Path.of("src/test/resources/fixtures/mixtral");

    @TempDir
    Path folder;

    /** The fixture with another value in its config. */
    private Path changed(String key, String value) throws IOException {
        try (Stream<Path> files = Files.list(MIXTRAL)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Path config = folder.resolve("config.json");
        ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(Files.readString(config));
        root.set(key, JsonMapper.shared().readTree(value));
        Files.writeString(config, root.toString());
        return folder;
    }

    @ParameterizedTest
    @CsvSource({
        "rope_theta, 77777, the rotary positions of layer 0 turn",
        "rms_norm_eps, 0.001, the epsilon of the norms is 0.001",
        "num_experts_per_tok, 1, the number of experts per token is 1",
        "hidden_act, \"gelu\", the activation function is GELU"
    })
    void namesWhatDiffers(String key, String value, String said) throws IOException {
        try (Checkpoint reference = Checkpoints.open(MIXTRAL);
                Checkpoint other = Checkpoints.open(changed(key, value))) {
            String message = assertThrows(
                            IllegalArgumentException.class, () -> CompareChecks.sameShape(reference, other))
                    .getMessage();
            assertTrue(message.contains(said) && message.contains("in the reference"), message);
        }
    }

    @Test
    void theSameIsTheSame() throws IOException {
        try (Checkpoint reference = Checkpoints.open(MIXTRAL);
                Checkpoint other = Checkpoints.open(MIXTRAL)) {
            CompareChecks.sameShape(reference, other);
        }
    }
}
