package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Disks that fill up while files are written, and disks that cannot be written to: a clear error, then as if nothing was. */
class SmallDiskTest {
    private static final Path MODEL = CommandLineRun.checkout().resolve("datasets/models/prose-6m");
    private static final String LEVELS = "fp32,int2";
    private static final String FULL = "No space left on device";

    @TempDir
    Path folder;

    private ResumableSweep sweep;

    @BeforeEach
    void inFolder() {
        sweep = new ResumableSweep(folder);
    }

    /** At first there is room for some states, or for none and some of the reports. */
    @ParameterizedTest
    @CsvSource({"2200k, 0, cannot keep the sweep's state", "48k, never, cannot write"})
    void aSweepGoesOnOnceThereIsRoom(String size, String keepEvery, String said)
            throws IOException, InterruptedException {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("out"), size)) {
            sweep.run("out", LEVELS, "-q", "--keep-every", keepEvery).fails(1, said, FULL);
            assertTrue(sweep.files("out").stream().noneMatch(f -> f.endsWith(".tmp")), "nothing is left half written");
            disk.resize("64m");
            CommandLineRun second = sweep.run("out", LEVELS).succeeds();
            assertTrue(second.err().contains("going on after") || second.err().contains("are finished"), second.err());
            sweep.run("whole", LEVELS, "-q").succeeds();
            assertEquals(sweep.results("whole"), sweep.results("out"));
            assertEquals(sweep.files("whole"), sweep.files("out"));
        }
    }

    @Test
    void aSweepThatCannotFitIsRefusedWithNumbers() throws IOException, InterruptedException {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("out"), "1m")) {
            sweep.run("out", LEVELS, "-q").fails(1, "state of this sweep takes up to", "MiB", "are free");
        }
    }

    @ParameterizedTest
    @CsvSource({"q4_0, m.gguf, make room", "int4:g64, folder, No space left on device"})
    void aFileIsWrittenInFullOrNotAtAll(String level, String name, String said)
            throws IOException, InterruptedException {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("disk"), "2m")) {
            String[] command = {"quantize", MODEL.toString(), "--to", level, "-q", "--out", ""};
            command[command.length - 1] = disk.folder().resolve(name).toString();
            CommandLineRun.of(command).fails(1, said, name);
            assertEquals(List.of(), files(disk.folder()));
            disk.resize("32m");
            CommandLineRun.of(command).succeeds();
            command[command.length - 1] =
                    folder.resolve("elsewhere").resolve(name).toString();
            Files.createDirectories(folder.resolve("elsewhere"));
            CommandLineRun.of(command).succeeds();
            List<Path> written = files(disk.folder());
            assertTrue(!written.isEmpty());
            for (Path file : written) {
                Path other = folder.resolve("elsewhere").resolve(disk.folder().relativize(file));
                assertEquals(-1, Files.mismatch(file, other), file.toString());
            }
        }
    }

    @Test
    void reportsAndComparisonsAreWrittenInFullOrNotAtAll() throws IOException, InterruptedException {
        sweep.run("whole", LEVELS, "-q").succeeds();
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("out"), "32k")) {
            for (String[] command : writing(disk.folder())) {
                CommandLineRun.of(command).fails(1, "cannot write", FULL);
                assertTrue(
                        files(disk.folder()).stream()
                                .noneMatch(f -> f.toString().endsWith(".tmp")),
                        "nothing is left half written");
            }
            disk.resize("32m");
            for (String[] command : writing(disk.folder())) {
                CommandLineRun.of(command).succeeds();
            }
        }
    }

    @Test
    void aDiskThatCannotBeWrittenToIsNamedBeforeTheWork() throws IOException, InterruptedException {
        sweep.run("whole", LEVELS, "-q").succeeds();
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("out"), "32m")) {
            sweep.run("out", "fp32", "-q").succeeds();
            disk.readOnly();
            sweep.run("out", LEVELS, "-q").fails(1, "cannot write", "Read-only file system", "--out");
            for (String[] command : writing(disk.folder())) {
                CommandLineRun.of(command).fails(1, "cannot write", "Read-only file system");
            }
            CommandLineRun.of(
                            "quantize",
                            MODEL.toString(),
                            "--to",
                            "q4_0",
                            "-q",
                            "--out",
                            disk.folder().resolve("m.gguf").toString())
                    .fails(1, "m.gguf", "Read-only file system");
            disk.resize("32m");
            sweep.run("out", LEVELS, "-q").succeeds();
            assertEquals(sweep.results("whole"), sweep.results("out"));
        }
    }

    /** Commands that write reports into subfolders. */
    private List<String[]> writing(Path disk) {
        String[] report = {
            "report",
            folder.resolve("whole").toString(),
            "-q",
            "--no-png",
            "--out",
            disk.resolve("report").toString()
        };
        String[] compare = {
            "compare",
            MODEL.toString(),
            MODEL.toString(),
            "--max-tokens",
            "256",
            "--context",
            "64",
            "-q",
            "--no-noise-floor",
            "--out",
            disk.resolve("compare").toString()
        };
        return List.of(report, compare);
    }

    private static List<Path> files(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
