package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.model.Checkpoint;

/** One container format. To add one, write a class and list it in {@link org.bitscarp.model.Checkpoints}. */
public interface CheckpointReader {
    /** What it looks for, as it reads after "looked for": {@code a folder with config.json}. */
    String looksFor();

    /** Whether the path looks like this container; cheap, and true does not promise that it can be opened. */
    boolean probe(Path path) throws IOException;

    /**
     * Opens the checkpoint: reads headers and checks every tensor's shape, reads no weights.
     *
     * @throws org.bitscarp.model.ModelException where the checkpoint cannot be used
     */
    Checkpoint open(Path path) throws IOException;
}
