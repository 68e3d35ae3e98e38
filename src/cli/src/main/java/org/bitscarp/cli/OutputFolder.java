package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A folder for results. */
final class OutputFolder {
    private OutputFolder() {}

    /** Finds out before the work whether its result can be written. */
    static void prepare(Path out) throws IOException {
        try {
            Files.createDirectories(out);
            Files.delete(Files.createTempFile(out, ".bitscarp-", ".tmp"));
        } catch (IOException e) {
            throw new IOException("cannot write into --out " + out + ": " + e, e);
        }
    }
}
