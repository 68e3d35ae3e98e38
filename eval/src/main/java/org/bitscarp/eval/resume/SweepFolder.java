package org.bitscarp.eval.resume;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bitscarp.model.WriteFailure;

/**
 * The folder of a sweep while one process works on it. What lets an interrupted sweep go on lies in {@code .sweep} inside;
 * files there are whole or absent whenever the process dies.
 */
public final class SweepFolder implements AutoCloseable {
    private static final String STATE = ".sweep";
    private static final String LOCK = "lock";
    private static final String SUFFIX = ".bin";

    /** Told before each step of a write after which a process may die; tests make it fail there. */
    @FunctionalInterface
    interface Steps {
        void at(String step) throws IOException;
    }

    /** What goes into a file. */
    @FunctionalInterface
    public interface Body {
        void write(DataOutputStream out) throws IOException;
    }

    /** Makes something of a file's content, given the fingerprint it was written with. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(Fingerprint fingerprint, DataInputStream in) throws IOException;
    }

    private final Path folder;
    private final FileChannel lockFile;
    private final Steps steps;

    private SweepFolder(Path folder, FileChannel lockFile, Steps steps) {
        this.folder = folder;
        this.lockFile = lockFile;
        this.steps = steps;
    }

    /**
     * Takes a folder for this process, creating it when absent.
     *
     * @throws IOException when another process has it, or it cannot be written into
     */
    public static SweepFolder lock(Path out) throws IOException {
        return lock(out, step -> {});
    }

    static SweepFolder lock(Path out, Steps steps) throws IOException {
        return lock(out.resolve(STATE), "--out", out, steps);
    }

    /**
     * Takes a folder whose files are of use to several sweeps.
     *
     * @param option that names the folder, for messages
     */
    public static SweepFolder lockPlain(Path folder, String option) throws IOException {
        return lock(folder, option, folder, step -> {});
    }

    private static SweepFolder lock(Path state, String option, Path out, Steps steps) throws IOException {
        FileChannel channel;
        try {
            Files.createDirectories(state);
            channel = FileChannel.open(state.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException(WriteFailure.of(out, e).getMessage() + "; give another " + option, e);
        }
        try {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw new OverlappingFileLockException();
            }
        } catch (OverlappingFileLockException e) {
            channel.close();
            throw new IOException(
                    "another process is running a sweep in " + out + "; wait for it, or give another " + option, e);
        } catch (IOException e) {
            channel.close();
            throw new IOException("cannot lock " + state.resolve(LOCK) + ": " + e.getMessage(), e);
        }
        return new SweepFolder(state, channel, steps);
    }

    /** Bytes that may still be written here. */
    public long usableBytes() throws IOException {
        return Files.getFileStore(folder).getUsableSpace();
    }

    /** Where the state is, for messages. */
    public Path path() {
        return folder;
    }

    /** Writes a file in full or not at all. */
    public void write(String name, Fingerprint fingerprint, Body body) throws IOException {
        DurableFile.write(file(name), fingerprint, body, steps);
    }

    /** Reads a file that {@link #write} wrote; empty where there is none. */
    public <T> Optional<T> read(String name, Reader<T> reader) throws IOException {
        Path file = file(name);
        return Files.exists(file) ? Optional.of(DurableFile.read(file, reader)) : Optional.empty();
    }

    /** The fingerprint that a file was written with, without reading the rest of it; empty where there is none. */
    public Optional<Fingerprint> fingerprint(String name) throws IOException {
        Path file = file(name);
        return Files.exists(file) ? Optional.of(DurableFile.fingerprint(file)) : Optional.empty();
    }

    /** Removes files whose names begin with one of {@code prefixes}, and what a killed process left half written. */
    public void remove(String... prefixes) throws IOException {
        List<Path> files;
        try (Stream<Path> listed = Files.list(folder)) {
            files = listed.toList();
        }
        for (Path file : files) {
            String name = file.getFileName().toString();
            boolean meant = Stream.of(prefixes).anyMatch(name::startsWith) && name.endsWith(SUFFIX);
            if (meant || name.endsWith(".tmp")) {
                steps.at("remove " + name);
                Files.deleteIfExists(file);
            }
        }
    }

    private Path file(String name) {
        return folder.resolve(name + SUFFIX);
    }

    /** Lets other processes have the folder. */
    @Override
    public void close() throws IOException {
        lockFile.close();
    }
}
