package org.bitscarp.eval.report;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.bitscarp.model.TemporaryName;
import org.bitscarp.model.WriteFailure;

/**
 * Writes files so that a reader sees either the old file or the whole new one: all of them go to temporary names in
 * the same folder and to the disk first, and only then are they moved into place.
 */
public final class StagedFiles {
    /** Writes bytes to a new file and on to the disk; tests replace it to fill the disk. */
    interface Sink {
        void write(Path file, byte[] bytes) throws IOException;
    }

    private StagedFiles() {}

    /** Writes one file of text. */
    static void write(Path file, String text) throws IOException {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Writes one file.
     *
     * @throws IOException one line that names the file and the reason
     */
    public static void write(Path file, byte[] bytes) throws IOException {
        SequencedMap<Path, byte[]> files = new LinkedHashMap<>();
        files.put(file, bytes);
        writeAll(files, StagedFiles::toDisk);
    }

    /** Writes all files of text or, when one cannot be written, none. */
    static void write(SequencedMap<Path, String> files, Sink sink) throws IOException {
        SequencedMap<Path, byte[]> bytes = new LinkedHashMap<>();
        files.forEach((file, text) -> bytes.put(file, text.getBytes(StandardCharsets.UTF_8)));
        writeAll(bytes, sink);
    }

    /**
     * Writes all files or, when one cannot be written, none.
     *
     * @throws IOException one line that names the file and the reason
     */
    static void writeAll(SequencedMap<Path, byte[]> files, Sink sink) throws IOException {
        List<Path> staged = new ArrayList<>();
        try {
            for (Map.Entry<Path, byte[]> entry : files.entrySet()) {
                Path file = entry.getKey();
                try {
                    if (Files.isDirectory(file)) {
                        throw new IOException("a folder has that name");
                    }
                    Path temporary = TemporaryName.unique(file);
                    staged.add(temporary);
                    sink.write(temporary, entry.getValue());
                } catch (IOException e) {
                    throw WriteFailure.of(file, e);
                }
            }
            int next = 0;
            for (Path file : files.keySet()) {
                try {
                    move(staged.get(next++), file);
                } catch (IOException e) {
                    throw WriteFailure.of(file, e);
                }
            }
        } finally {
            for (Path temporary : staged) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    /** Writes and forces bytes to the device, so that a power cut after the move leaves no empty file. */
    static void toDisk(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            OutputStream out = Channels.newOutputStream(channel);
            out.write(bytes);
            channel.force(true);
        }
    }

    /**
     * Finds out whether files can be written into a folder, before the work that they are for, and removes what processes
     * that were killed have left half written there. To be called before this process stages anything in the folder.
     */
    public static void prepare(Path folder) throws IOException {
        Path probe = TemporaryName.unique(folder.resolve("probe"));
        try {
            Files.createDirectories(folder);
            Files.createFile(probe);
            Files.delete(probe);
            TemporaryName.removeLeftovers(folder);
        } catch (IOException e) {
            throw WriteFailure.of(folder, e);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
