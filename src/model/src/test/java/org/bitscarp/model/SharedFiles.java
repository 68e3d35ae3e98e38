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
        if (!Files.exists(path)) {
            // Surefire counts skipped tests but does not say why; a skipped check must not look like a passed one.
            String reason = "SKIPPED: " + path + " is not beside this checkout";
            System.out.println(reason);
            Assumptions.abort(reason);
        }
        return path;
    }
}
