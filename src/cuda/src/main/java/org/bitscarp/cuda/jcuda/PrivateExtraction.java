package org.bitscarp.cuda.jcuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Runs the first touch of a JCuda class with an extraction directory of its own.
 *
 * <p>JCuda unpacks its native library under a fixed name into {@code java.io.tmpdir} and loads whatever lies there, so
 * another user of the machine could plant a library, and two processes could load one half written. The property is
 * therefore set to a new directory that only this user may enter, restored afterwards, and the directory is removed: a
 * loaded library needs no file.
 */
public final class PrivateExtraction {
    private PrivateExtraction() {}

    /** @throws LinkageError as {@code firstTouch} does, or when there is no directory to be had */
    public static synchronized void run(Runnable firstTouch) {
        String before = System.getProperty("java.io.tmpdir");
        Path directory;
        try {
            // Created with mode 0700.
            directory = Files.createTempDirectory("bitscarp-natives");
        } catch (IOException e) {
            throw new UnsatisfiedLinkError("no directory to unpack native libraries in: " + e);
        }
        try {
            System.setProperty("java.io.tmpdir", directory.toString());
            firstTouch.run();
        } finally {
            System.setProperty("java.io.tmpdir", before);
            remove(directory);
        }
    }

    private static void remove(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            // A few megabytes stay in the temporary directory, readable by nobody else.
            directory.toFile().deleteOnExit();
        }
    }
}
