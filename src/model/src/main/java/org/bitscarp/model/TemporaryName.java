package org.bitscarp.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What files and folders are called until they are complete: hidden, beside their places, with the number of the process
 * that writes them, so that what a killed process leaves can be told from what is being written.
 */
public final class TemporaryName {
    /** The process that writes. */
    private static final String PROCESS = "\\.(\\d{1,18})";

    /** Names of {@link #unique}, with nanoseconds of a clock. */
    private static final Pattern UNIQUE = Pattern.compile("\\..+" + PROCESS + "\\.-?\\d+\\.tmp");

    private TemporaryName() {}

    /** The name for this process, the same each time; what killed processes have left under theirs is removed. */
    public static Path of(Path target) throws IOException {
        String name = "." + target.getFileName();
        Path parent = target.toAbsolutePath().getParent();
        if (Files.isDirectory(parent)) {
            remove(parent, Pattern.compile(Pattern.quote(name) + PROCESS + "\\.tmp"));
        }
        return target.resolveSibling(name + "." + ProcessHandle.current().pid() + ".tmp");
    }

    /** Another name each time. */
    public static Path unique(Path target) {
        return target.resolveSibling(
                "." + target.getFileName() + "." + ProcessHandle.current().pid() + "." + System.nanoTime() + ".tmp");
    }

    /** Removes what killed processes have left under {@link #unique} names. This process must not be writing into the folder. */
    public static void removeLeftovers(Path folder) throws IOException {
        remove(folder, UNIQUE);
    }

    private static void remove(Path folder, Pattern names) throws IOException {
        List<Path> entries;
        try (Stream<Path> listed = Files.list(folder)) {
            entries = listed.toList();
        }
        for (Path entry : entries) {
            Matcher temporary = names.matcher(entry.getFileName().toString());
            if (temporary.matches() && gone(temporary.group(1))) {
                delete(entry);
            }
        }
    }

    /** A process with this one's number is an earlier one: containers give every process the same. */
    private static boolean gone(String digits) {
        long pid = Long.parseLong(digits);
        return pid == ProcessHandle.current().pid()
                || ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty();
    }

    /** Deletes a file, or a folder with all that is in it; nothing where there is none. */
    public static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> entries = Files.walk(path)) {
            entries.sorted(Comparator.reverseOrder()).forEach(entry -> {
                try {
                    Files.delete(entry);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
