package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFilesTest {
    private static final Set<String> NAMES = Set.of("report.html", "report.md", "results.csv", "results.json");

    @TempDir
    Path folder;

    private static Set<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return new TreeSet<>(files.map(f -> f.getFileName().toString()).toList());
        }
    }

    private static String refused(org.junit.jupiter.api.function.Executable write) {
        String message = assertThrows(IOException.class, write).getMessage();
        assertEquals(1, message.lines().count(), message);
        return message;
    }

    @Test
    void writesFourFilesIntoANewFolder() throws IOException {
        Path deep = folder.resolve("a/b");
        ReportFiles.writeAll(Samples.realistic(), deep);
        assertEquals(new TreeSet<>(NAMES), names(deep));
        SweepResult back = JsonResultReader.read(deep.resolve("results.json"));
        assertEquals(JsonReport.render(Samples.realistic()), JsonReport.render(back));
    }

    @Test
    void replacesOlderFiles() throws IOException {
        ReportFiles.writeAll(Samples.lonely(), folder);
        ReportFiles.writeAll(Samples.realistic(), folder);
        assertEquals(new TreeSet<>(NAMES), names(folder));
        assertEquals(
                8, JsonResultReader.read(folder.resolve("results.json")).rows().size());
    }

    @Test
    void sameResultSameBytes() throws IOException {
        ReportFiles.writeAll(Samples.hostile(3), folder.resolve("a"));
        ReportFiles.writeAll(Samples.hostile(3), folder.resolve("b"));
        for (String name : NAMES) {
            assertEquals(-1, Files.mismatch(folder.resolve("a/" + name), folder.resolve("b/" + name)), name);
        }
    }

    @Test
    void fullDiskLeavesTheOldFilesAndNothingElse() throws IOException {
        ReportFiles.writeAll(Samples.lonely(), folder);
        List<byte[]> before = List.of(Files.readAllBytes(folder.resolve("report.html")));
        int[] calls = {0};
        StagedFiles.Sink full = (file, bytes) -> {
            if (++calls[0] == 3) {
                Files.write(file, Arrays.copyOf(bytes, 10));
                throw new IOException("No space left on device");
            }
            StagedFiles.toDisk(file, bytes);
        };
        String message = refused(() -> ReportFiles.writeAll(Samples.realistic(), folder, full));
        assertEquals("cannot write " + folder.resolve("results.csv") + ": No space left on device", message);
        assertEquals(new TreeSet<>(NAMES), names(folder));
        assertTrue(Arrays.equals(before.getFirst(), Files.readAllBytes(folder.resolve("report.html"))));
    }

    @Test
    void folderThatIsAFile() throws IOException {
        Path file = Files.writeString(folder.resolve("out"), "mine");
        String message = refused(() -> ReportFiles.writeAll(Samples.realistic(), file));
        assertEquals("cannot write " + file + ": a file has the name of the folder", message);
        assertEquals("mine", Files.readString(file));
        String below = refused(() -> ReportFiles.writeAll(Samples.realistic(), file.resolve("sub")));
        assertTrue(below.startsWith("cannot write " + file.resolve("sub") + ": "), below);
    }

    @Test
    void folderInPlaceOfAFile() throws IOException {
        Files.createDirectories(folder.resolve("results.json/full"));
        String message = refused(() -> ReportFiles.writeAll(Samples.realistic(), folder));
        assertEquals("cannot write " + folder.resolve("results.json") + ": a folder has that name", message);
        assertEquals(Set.of("results.json"), names(folder));
    }

    @Test
    void singleWritersNameTheMissingFolder() {
        Path file = folder.resolve("absent/report.md");
        String message = refused(() -> MarkdownReport.write(Samples.realistic(), file));
        assertEquals("cannot write " + file + ": the folder does not exist", message);
    }
}
