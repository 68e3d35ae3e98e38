package org.bitscarp.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitscarp.model.internal.CheckpointReader;
import org.bitscarp.model.internal.HuggingFaceReader;
import org.bitscarp.model.internal.Llama2cReader;
import org.bitscarp.model.internal.gguf.GgufReader;

/** Opens checkpoints, whatever container they are in. */
public final class Checkpoints {
    private static final List<CheckpointReader> READERS =
            List.of(new HuggingFaceReader(), new GgufReader(), new Llama2cReader());
    private static final int LISTED_FILES = 8;

    private Checkpoints() {}

    /**
     * Opens a checkpoint: a Hugging Face folder ({@code config.json} with safetensors; a {@code .safetensors} file in
     * such a folder stands for the folder), a GGUF file, or a llama2.c file or folder. Reads headers only.
     *
     * @throws ModelException where nothing usable is there, saying what was looked for and what was found
     */
    public static Checkpoint open(Path path) throws IOException {
        try {
            for (CheckpointReader reader : READERS) {
                if (reader.probe(path)) {
                    return reader.open(path);
                }
            }
            throw new ModelException(path + ": no checkpoint here; looked for "
                    + READERS.stream().map(CheckpointReader::looksFor).collect(Collectors.joining(", or ")) + "; found "
                    + found(path));
        } catch (ModelException e) {
            throw e;
        } catch (NoSuchFileException e) {
            throw new ModelException(e.getFile() + ": no such file", e);
        } catch (AccessDeniedException e) {
            throw new ModelException(e.getFile() + ": may not be read by this user", e);
        } catch (IOException | UncheckedIOException e) {
            throw new ModelException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static String found(Path path) throws IOException {
        if (!Files.exists(path)) {
            return "nothing of that name";
        }
        if (!Files.isDirectory(path)) {
            return "a file of " + Files.size(path) + " bytes";
        }
        try (Stream<Path> entries = Files.list(path)) {
            List<String> names = entries.limit(10_000)
                    .map(p -> p.getFileName().toString())
                    .sorted()
                    .toList();
            if (names.isEmpty()) {
                return "an empty folder";
            }
            return "a folder with " + String.join(", ", names.subList(0, Math.min(LISTED_FILES, names.size())))
                    + (names.size() > LISTED_FILES ? " and " + (names.size() - LISTED_FILES) + " more" : "");
        }
    }
}
