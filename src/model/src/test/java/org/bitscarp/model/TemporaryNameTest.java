package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of what is being written, and what becomes of those that killed processes have left. */
class TemporaryNameTest {
    /** No process has this number: it is beyond what Linux gives. */
    private static final String GONE = "999999999";

    @TempDir
    Path folder;

    @Test
    void onlyLeftoversOfTheSameFileAreRemoved() throws IOException {
        String parent =
                Long.toString(ProcessHandle.current().parent().orElseThrow().pid());
        Set<String> stay = Set.of(
                "model.gguf",
                ".model.gguf." + parent + ".tmp",
                ".other.gguf." + GONE + ".tmp",
                ".model.gguf.7." + GONE + ".tmp",
                ".model-gguf." + GONE + ".tmp",
                ".model.gguf.x.tmp");
        for (String name : stay) {
            Files.createFile(folder.resolve(name));
        }
        Files.createFile(folder.resolve(".model.gguf." + GONE + ".tmp"));
        Path left = Files.createDirectories(folder.resolve(".model.gguf." + (Long.parseLong(GONE) - 1) + ".tmp/inner"));
        Files.createFile(left.resolve("weights"));

        Path temporary = TemporaryName.of(folder.resolve("model.gguf"));

        assertEquals(stay, names());
        assertEquals(folder.resolve(".model.gguf." + ProcessHandle.current().pid() + ".tmp"), temporary);
    }

    @Test
    void uniqueNamesDifferAndAreRemovedOnceTheirProcessIsGone() throws IOException {
        Path one = TemporaryName.unique(folder.resolve("report.html"));
        assertNotEquals(one, TemporaryName.unique(folder.resolve("report.html")));
        String parent =
                Long.toString(ProcessHandle.current().parent().orElseThrow().pid());
        Files.createFile(folder.resolve(".report.html." + GONE + ".123.tmp"));
        Files.createFile(folder.resolve(".report.html." + GONE + ".-123.tmp"));
        Set<String> stay = Set.of(".report.html." + parent + ".123.tmp", ".report.html." + GONE + ".tmp");
        for (String name : stay) {
            Files.createFile(folder.resolve(name));
        }

        TemporaryName.removeLeftovers(folder);

        assertEquals(stay, names());
    }

    private Set<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
        }
    }
}
