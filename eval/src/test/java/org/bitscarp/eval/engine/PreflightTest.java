package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreflightTest {
    /** Two operations per weight of a dense model and token; of routed experts each token takes as many as one. */
    @ParameterizedTest
    @CsvSource({"llama-gqa, false", "gpt2, false", "mixtral, true"})
    void operationsFollowFromTheWeights(String fixture, boolean experts) throws IOException {
        Path folder = Path.of("src/test/resources/fixtures").resolve(fixture);
        try (Checkpoint model = Checkpoints.open(folder)) {
            double weights = (double) model.spec().vocabulary() * model.spec().hidden();
            for (TensorRole role : TensorRole.values()) {
                for (int layer = 0;
                        role.linear() && role.inLayer() && layer < model.spec().layers();
                        layer++) {
                    double size = model.weight(role, layer).map(Weight::size).orElse(0L);
                    weights += experts && role.perExpert()
                            ? size / model.spec().mlp().experts()
                            : size;
                }
            }
            assertEquals(
                    2 * weights * 100 * 3,
                    Preflight.of(model, 0, 100, 0, 3).operations(),
                    1e-9 * weights,
                    "100 tokens at 3 levels");
        }
    }
}
