package org.bitscarp.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A sweep of a few seconds with a state after each of six layers, run here or in a process of its own. */
record ResumableSweep(Path folder) {
    static final String LEVELS = "fp32,int4:hadamard:gptq,int2:search";

    private static final List<String> COMMAND = List.of(
            "sweep",
            "--max-tokens",
            "256",
            "--context",
            "64",
            "--threads",
            "1",
            "--keep-every",
            "0",
            "--memory",
            "1g",
            "--calibration",
            "builtin-calibration",
            "--calibration-tokens",
            "128",
            "--calibration-context",
            "32",
            "--continuations",
            "2");

    String[] command(String out, String levels, String... more) {
        return Stream.of(
                        COMMAND.stream(),
                        Stream.of("--out", folder.resolve(out).toString(), "--levels", levels),
                        Stream.of(more))
                .flatMap(s -> s)
                .toArray(String[]::new);
    }

    CommandLineRun run(String out, String levels, String... more) {
        return CommandLineRun.of(command(out, levels, more));
    }

    /** In a process of its own, whose messages go to {@link #log}. */
    Process start(String out, String levels) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx1g",
                "-D" + Home.PROPERTY + "=" + CommandLineRun.checkout().resolve("datasets"),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        words.addAll(List.of(command(out, levels)));
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(log().toFile())
                .start();
    }

    /** What the last process has printed. */
    Path log() {
        return folder.resolve("log");
    }

    /** The state of an unfinished sweep. */
    Path state(String out) {
        return folder.resolve(out).resolve(".sweep/layers.bin");
    }

    /** results.json without what tells times, and without the command and the name of the folder in it. */
    String results(String out) {
        try {
            return Files.readString(folder.resolve(out).resolve("results.json"))
                    .replaceAll("(?m)^ *\"(seconds|started|command)\" : .*\\R", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Paths of all files, relative to the folder. */
    List<String> files(String out) throws IOException {
        Path root = folder.resolve(out);
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> root.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }
}
