package org.bitscarp.model;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Models and texts beside the checkout; tests that need them are skipped where they are absent. */
public final class SharedFiles {
    private SharedFiles() {}

    public static Path require(String relative) {
        Path path = Path.of(System.getProperty("bitscarp.checkout", "."), "..", "shared")
                .resolve(relative)
                .normalize();
        Assumptions.assumeTrue(Files.exists(path), () -> "skipped: " + path + " is not beside this checkout");
        return path;
    }
}
