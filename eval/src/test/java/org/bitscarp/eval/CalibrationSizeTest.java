package org.bitscarp.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.junit.jupiter.api.Test;

class CalibrationSizeTest {
    @Test
    void windowsAreTheModelsOwnUnlessAskedFor() throws IOException {
        Path model =
                Path.of(System.getProperty("bitscarp.checkout", "..")).resolve("datasets/models/prose-6m");
        try (Checkpoint checkpoint = Checkpoints.open(model)) {
            assertEquals(512, new CalibrationSize(1000, 0, 0).context(checkpoint));
            assertEquals(1000, new CalibrationSize(1000, 0, 0).tokens(checkpoint));
            assertEquals(64, new CalibrationSize(1000, 0, 64).context(checkpoint));
            assertEquals(128 * 512, new CalibrationSize(1000, 128, 0).tokens(checkpoint));
            assertEquals(128 * 64, new CalibrationSize(1000, 128, 64).tokens(checkpoint));
            assertEquals(Integer.MAX_VALUE, new CalibrationSize(1000, Integer.MAX_VALUE, 0).tokens(checkpoint));
        }
    }
}
