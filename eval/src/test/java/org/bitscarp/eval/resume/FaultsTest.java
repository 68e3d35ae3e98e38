package org.bitscarp.eval.resume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A state file is the old one or the new one, whatever fails and whenever. */
class FaultsTest {
    private static final Fingerprint PRINT =
            new Fingerprint().with("model", "tiny").with("text", null);

    @TempDir
    Path out;

    private static void write(SweepFolder folder, String text) throws IOException {
        folder.write("state", PRINT, stream -> stream.writeUTF(text));
    }

    private static String read(SweepFolder folder) throws IOException {
        return folder.read("state", (print, in) -> in.readUTF()).orElseThrow();
    }

    @Test
    void afterAFailureAtAnyStepTheOldOrTheNewFileIsThereAndTheNextWriteWorks() throws IOException {
        List<String> steps = new ArrayList<>();
        try (SweepFolder folder = SweepFolder.lock(out, steps::add)) {
            write(folder, "old");
        }
        assertTrue(steps.size() >= 5, steps::toString);
        for (int failing = 0; failing < steps.size(); failing++) {
            int left = failing;
            int[] seen = {0};
            try (SweepFolder folder = SweepFolder.lock(out, step -> {
                if (seen[0]++ == left) {
                    throw new IOException("No space left on device");
                }
            })) {
                String message = assertThrows(IOException.class, () -> write(folder, "new"))
                        .getMessage();
                assertTrue(message.contains("No space left on device") && message.contains("state.bin"), message);
            }
            try (SweepFolder folder = SweepFolder.lock(out)) {
                String moved = failing == steps.size() - 1 ? "new" : "old";
                assertEquals(moved, read(folder), steps.get(failing));
                write(folder, "old");
                assertEquals("old", read(folder));
            }
        }
    }

    @Test
    void anyFlippedByteAndAnyTruncationIsFound() throws IOException {
        try (SweepFolder folder = SweepFolder.lock(out)) {
            write(folder, "a state of some length");
            Path file = out.resolve(".sweep/state.bin");
            byte[] whole = Files.readAllBytes(file);
            for (int i = 0; i < whole.length; i++) {
                byte[] flipped = whole.clone();
                flipped[i] ^= 0x10;
                Files.write(file, flipped);
                assertThrows(IOException.class, () -> read(folder), "byte " + i);
                Files.write(file, whole);
                Files.newByteChannel(file, StandardOpenOption.WRITE).truncate(i).close();
                assertThrows(IOException.class, () -> read(folder), "length " + i);
            }
            Files.write(file, whole);
            assertEquals("a state of some length", read(folder));
        }
    }

    @Test
    void aFolderHasOneOwner() throws IOException {
        try (SweepFolder first = SweepFolder.lock(out)) {
            assertTrue(assertThrows(IOException.class, () -> SweepFolder.lock(out))
                    .getMessage()
                    .contains("another process"));
            assertTrue(first.usableBytes() > 0);
        }
        SweepFolder.lock(out).close();
    }

    @Test
    void whatAKilledProcessLeftHalfWrittenIsRemoved() throws IOException {
        try (SweepFolder folder = SweepFolder.lock(out)) {
            write(folder, "whole");
            Files.writeString(out.resolve(".sweep/layers.bin.tmp"), "half");
            folder.remove("packed-");
            assertEquals("whole", read(folder));
            assertTrue(Files.notExists(out.resolve(".sweep/layers.bin.tmp")));
        }
    }

    @Test
    void differencesAreNamed() {
        Fingerprint other =
                new Fingerprint().with("model", "large").with("text", null).with("seed", 1);
        assertEquals(List.of("model (was tiny, is large)", "seed (was none, is 1)"), PRINT.differences(other));
        assertEquals(List.of(), PRINT.differences(new Fingerprint().with("model", "tiny")));
    }
}
