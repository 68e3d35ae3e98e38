package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Interrupted sweeps go on, finished ones are added to, and others are told apart. */
class ResumeTest {
    /** Enough for a few seconds with a state after each of six layers. */
    private static final List<String> COMMAND = List.of(
            "sweep",
            "-q",
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
            "--continuations",
            "2");

    private static final String LEVELS = "fp32,int4:awq:hadamard,int2:search";

    @TempDir
    Path folder;

    private String[] command(String out, String levels, String... more) {
        return Stream.of(
                        COMMAND.stream(),
                        Stream.of("--out", folder.resolve(out).toString(), "--levels", levels),
                        Stream.of(more))
                .flatMap(s -> s)
                .toArray(String[]::new);
    }

    /** results.json without what tells times, and without the command and the name of the folder in it. */
    private String results(String out) {
        try {
            return Files.readString(folder.resolve(out).resolve("results.json"))
                    .replaceAll("(?m)^ *\"(seconds|started|command)\" : .*\\R", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the command in a process of its own and kills it some milliseconds after its first state is there. */
    private boolean killed(String out, long millis) throws IOException, InterruptedException {
        Process process = started(command(out, LEVELS));
        while (process.isAlive() && !Files.exists(state(out))) {
            Thread.sleep(2);
        }
        if (process.waitFor(millis, TimeUnit.MILLISECONDS)) {
            assertEquals(0, process.exitValue(), Files.readString(folder.resolve("log")));
            return false;
        }
        // SIGKILL: nothing of the process runs any more.
        process.destroyForcibly().waitFor();
        return true;
    }

    private Path state(String out) {
        return folder.resolve(out).resolve(".sweep/layers.bin");
    }

    private Process started(String[] command) throws IOException {
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
        words.addAll(List.of(command));
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
    }

    private void completesAsBefore(String out, String expected) throws IOException {
        CommandLineRun.of(command(out, LEVELS)).succeeds();
        assertEquals(expected, results(out));
        try (Stream<Path> kept = Files.list(folder.resolve(out).resolve(".sweep"))) {
            assertEquals(
                    List.of("levels.bin", "lock"),
                    kept.map(f -> f.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void killedAtAnyMomentItGivesTheSameResults() throws IOException, InterruptedException {
        CommandLineRun.of(command("whole", LEVELS, "--keep-every", "never")).succeeds();
        String expected = results("whole");
        int kills = Integer.getInteger("bitscarp.kills", 2);
        SplittableRandom random = new SplittableRandom(Long.getLong("bitscarp.seed", 7L));
        int resumed = 0;
        for (int i = 0; i < kills; i++) {
            String out = "killed" + i;
            // The first at once, so that one at least is in the middle of its layers on any machine.
            boolean killed = killed(out, i == 0 ? 0 : random.nextInt(2000));
            resumed += killed && Files.exists(state(out)) ? 1 : 0;
            completesAsBefore(out, expected);
        }
        System.out.println("ResumeTest: " + resumed + " of " + kills + " runs were killed and went on from a state");
        assertTrue(resumed > 0);
    }

    @Test
    void moreLevelsRunBesideTheReferenceOnly() throws IOException {
        CommandLineRun.of(command("whole", LEVELS)).succeeds();
        CommandLineRun.of(command("grown", "fp32,int2:search")).succeeds();
        CommandLineRun more = CommandLineRun.of(
                Stream.of(command("grown", LEVELS)).filter(w -> !w.equals("-q")).toArray(String[]::new));
        more.succeeds();
        assertTrue(more.err().contains("2 levels") && more.err().contains("int2:search"), more.err());
        assertEquals(results("whole"), results("grown"));
        // What is finished is reported without being measured: nothing is left to write.
        completesAsBefore("grown", results("whole"));
    }

    @Test
    void aFinishedSweepOfSomethingElseIsGivenUpAndSaysWhy() throws IOException {
        CommandLineRun.of(command("out", "fp32,int4", "--context", "32")).succeeds();
        CommandLineRun other = CommandLineRun.of(Stream.of(command("out", LEVELS))
                        .filter(w -> !w.equals("-q"))
                        .toArray(String[]::new))
                .succeeds();
        assertTrue(other.err().contains("afresh") && other.err().contains("protocols (was gptq 32"), other.err());
    }

    @Test
    void anUnfinishedSweepOfSomethingElseIsNotTouched() throws IOException, InterruptedException {
        Path state = folder.resolve("out/.sweep/layers.bin");
        Process process = started(command("out", LEVELS));
        while (!Files.exists(state) && process.isAlive()) {
            Thread.sleep(5);
        }
        CommandLineRun.of(command("out", LEVELS)).fails(1, "another process", "--out");
        process.destroyForcibly().waitFor();
        Assumptions.assumeTrue(Files.exists(state), "the run was over before it could be killed");
        CommandLineRun.of(command("out", LEVELS, "--context", "32")).fails(1, "unfinished", "protocols", "--fresh");
        CommandLineRun.of(command("out", "fp32,int8")).fails(1, "unfinished", "levels (was fp32,int4:", "--fresh");
        CommandLineRun.of(command("out", "fp32,int4", "--fresh", "--context", "32"))
                .succeeds();
        assertFalse(Files.exists(state));
    }
}
