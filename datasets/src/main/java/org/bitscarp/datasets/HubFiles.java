package org.bitscarp.datasets;

import java.io.IOException;
import java.nio.file.Path;

/** Brings a file of a hub to this machine. */
@FunctionalInterface
public interface HubFiles {
    /** What references begin with. */
    String PREFIX = "hf:";

    /** Has no hub. */
    HubFiles NONE = reference -> {
        throw new TextException(reference + ": no hub can be asked here; name a file");
    };

    /**
     * @param reference {@code hf:datasets/owner/name[@revision]/path}
     * @return where the file lies now
     */
    Path file(String reference) throws IOException;
}
