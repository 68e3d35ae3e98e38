package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.internal.gguf.GgufChatTemplates;
import org.bitscarp.model.internal.gguf.GgufTokenizerTables;

/** Takes tokenizers apart, whatever container they are in. */
public final class TokenizerSource {
    private TokenizerSource() {}

    /**
     * The tokenizer beside a checkpoint.
     *
     * @param size number of tokens to give: rows of the embedding
     * @throws org.bitscarp.model.ModelException where there is none, or none of a kind that can be taken apart
     */
    public static TokenizerTables read(Checkpoint checkpoint, int size) throws IOException {
        Path path = checkpoint.path();
        if (path.toString().endsWith(".gguf")) {
            return GgufTokenizerTables.read(path, size);
        }
        return Files.isDirectory(path)
                ? HuggingFaceTables.read(path, size)
                : Llama2cTokenizer.open(path, checkpoint.spec().vocabulary()).tables();
    }

    /** The chat templates of a checkpoint; a container without a place for them has none. */
    public static ChatTemplates chatTemplates(Path path) throws IOException {
        if (path.toString().endsWith(".gguf")) {
            return GgufChatTemplates.read(path);
        }
        return Files.isDirectory(path) ? ChatTemplates.ofFolder(path) : new ChatTemplates(Map.of());
    }
}
