package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.hub.FileChoice;
import org.bitscarp.hub.HubReference;

/** What a user may write where a command takes a model. */
final class ModelArgument {
    /** For the description of the parameter. */
    static final String DESCRIPTION = "Hugging Face folder, GGUF file, llama2.c checkpoint, or a model on the hub as"
            + " hf:owner/name[@revision][/file]; without it, the built-in model (5.8 M parameters).";

    private ModelArgument() {}

    /**
     * The folder or file that a word means; fetches it when it lies on a hub.
     *
     * @param model as typed; null for the built-in model
     * @param quiet no progress
     */
    static Path resolve(String model, Commands.Streams streams, boolean quiet) throws IOException {
        if (model == null) {
            return Home.builtinModel();
        }
        return HubReference.matches(model)
                ? HubAccess.fetch(model, FileChoice.NEEDED, streams, quiet).path()
                : Path.of(model);
    }
}
