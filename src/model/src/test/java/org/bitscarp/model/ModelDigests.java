package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** The digest of a model on disk, for tests that compare models. */
public final class ModelDigests {
    private ModelDigests() {}

    public static String of(Path path) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(path);
                Arena arena = Arena.ofConfined()) {
            ModelDigest digest = new ModelDigest(checkpoint);
            for (TensorRole role : TensorRole.values()) {
                for (int layer = 0; layer < (role.inLayer() ? checkpoint.spec().layers() : 1); layer++) {
                    Weight weight = checkpoint.weight(role, layer).orElse(null);
                    if (weight != null) {
                        MemorySegment values = arena.allocate(4 * weight.size(), 4);
                        weight.read(0, weight.rows(), values, 0);
                        digest.update(role, layer, values);
                    }
                }
            }
            return digest.hex();
        }
    }
}
