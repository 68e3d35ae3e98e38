package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A real file system that is soon full, or cannot be written to; only where this process may mount one. */
final class SmallDisk implements AutoCloseable {
    private final Path folder;

    private SmallDisk(Path folder) {
        this.folder = folder;
    }

    /** Mounts a tmpfs in an empty folder; the test is skipped, with the reason, where that is not allowed. */
    static SmallDisk mount(Path folder, String size) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        String said = run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", folder.toString());
        Assumptions.assumeTrue(said == null, "no file system can be mounted here: " + said);
        return new SmallDisk(folder);
    }

    void resize(String size) throws IOException, InterruptedException {
        remount("rw,size=" + size);
    }

    void readOnly() throws IOException, InterruptedException {
        remount("ro");
    }

    private void remount(String options) throws IOException, InterruptedException {
        String said = run("mount", "-o", "remount," + options, folder.toString());
        if (said != null) {
            throw new IOException("remount of " + folder + " with " + options + ": " + said);
        }
    }

    Path folder() {
        return folder;
    }

    @Override
    public void close() throws IOException {
        try {
            run("umount", "-l", folder.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the command said when it failed, null when it succeeded. */
    private static String run(String... command) throws InterruptedException {
        try {
            List<String> words = new ArrayList<>(List.of(command));
            Process process =
                    new ProcessBuilder(words).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes());
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 ? null : said.strip();
        } catch (IOException e) {
            return e.getMessage();
        }
    }
}
