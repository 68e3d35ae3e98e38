package org.bitscarp.cuda.artefacts;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The folder {@code kernels-cu} of the checkout. */
final class KernelSources {
    static final Path ROOT = Path.of(System.getProperty("bitscarp.checkout")).resolve("kernels-cu");
    static final Path PTX = ROOT.resolve("ptx");

    private KernelSources() {}

    /** Checked-in PTX, in order. */
    static List<Path> ptx() throws IOException {
        return files(PTX, ".ptx");
    }

    static List<Path> files(Path folder, String extension) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(f -> f.toString().endsWith(extension)).sorted().toList();
        }
    }

    static List<String> manifest() throws IOException {
        return Files.readAllLines(PTX.resolve("MANIFEST"), StandardCharsets.UTF_8);
    }
}
