package org.bitscarp.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** The folder that comes with the program: built-in model and texts. */
final class Home {
    /** System property that the launcher sets. */
    static final String PROPERTY = "bitscarp.home";

    private Home() {}

    /** The folder with {@code models} and {@code text}. */
    static Path share() {
        String home = System.getProperty(PROPERTY);
        if (home == null) {
            throw new IllegalStateException("the system property " + PROPERTY
                    + " is not set; start Bitscarp with its launcher, bin/bitscarp, or set it to the folder with"
                    + " models and text");
        }
        return Path.of(home);
    }

    /** The built-in model. */
    static Path builtinModel() {
        Path model = share().resolve("models").resolve("prose-6m");
        if (!Files.isDirectory(model)) {
            throw new IllegalStateException(
                    "the built-in model is not at " + model + "; name a model, or install the whole distribution");
        }
        return model;
    }

    /** Folder of the built-in texts. */
    static Path texts() {
        return share().resolve("text");
    }
}
