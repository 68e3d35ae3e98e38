package org.bitscarp.model.export;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TemporaryName;
import org.bitscarp.model.WriteFailure;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model's folder while it is written: under a temporary name beside its place, into which {@link #finish} moves it.
 * Closing without that leaves nothing behind.
 */
final class HuggingFaceFolder implements AutoCloseable {
    /** What belongs to a model besides weights and configuration: its tokenizer and its settings for generation. */
    private static final List<String> COMPANIONS = List.of(
            "generation_config.json",
            "tokenizer.json",
            "tokenizer.model",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.json",
            "chat_template.jinja");

    private final Path target;
    private final Path temporary;
    private boolean finished;

    /** @throws ModelException where there is something at the place already */
    HuggingFaceFolder(Path target) throws IOException {
        this.target = target.toAbsolutePath().normalize();
        requireFree(target);
        temporary = TemporaryName.of(this.target);
        try {
            Files.createDirectories(temporary);
        } catch (IOException e) {
            throw WriteFailure.of(target, e);
        }
    }

    /** @throws ModelException where there is something at the place already */
    static void requireFree(Path target) throws IOException {
        if (Files.exists(target) && !(Files.isDirectory(target) && isEmpty(target))) {
            throw new ModelException(target + ": exists and is not an empty folder; name another, or delete it");
        }
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.findAny().isEmpty();
        }
    }

    /** A file of the folder, to be written. */
    Path file(String name) {
        return temporary.resolve(name);
    }

    void json(String name, ObjectNode content) throws IOException {
        try {
            Files.writeString(file(name), content.toPrettyString() + "\n", StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw WriteFailure.of(target.resolve(name), e);
        }
    }

    /** Copies what the source has of tokenizer and generation settings. */
    void copyCompanions(Path source) throws IOException {
        for (String name : COMPANIONS) {
            if (Files.isRegularFile(source.resolve(name))) {
                Files.copy(source.resolve(name), file(name));
            }
        }
    }

    void finish() throws IOException {
        Files.deleteIfExists(target);
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        finished = true;
    }

    @Override
    public void close() throws IOException {
        if (!finished) {
            TemporaryName.delete(temporary);
        }
    }
}
