package org.bitscarp.cli;

import static org.bitscarp.cli.ResumableSweep.LEVELS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.bitscarp.eval.resume.SweepFolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sweeps killed with SIGKILL at random moments, from the start of the Java machine to its end, end up with the files that
 * an undisturbed one writes. Every other sweep adds levels to a finished one, and some are killed more than once.
 * {@code -Dbitscarp.kills=N} kills more often than a build has time for.
 */
class KilledSweepTest {
    /** What a finished sweep is given more levels to. */
    private static final String FIRST_LEVELS = "fp32,int2:search";

    private static final int LAYERS = 6;
    private static final int MOST_KILLS = 3;
    /** Runs of more kills say how far they are. */
    private static final int FEW = 5;

    @TempDir
    Path folder;

    private ResumableSweep sweep;
    private SplittableRandom random;
    private long undisturbed;
    private final Map<String, Integer> phases = new TreeMap<>();

    @Test
    void killedAtAnyMomentItGivesTheSameFiles() throws IOException, InterruptedException {
        int kills = Integer.getInteger("bitscarp.kills", 2);
        long seed = Long.getLong("bitscarp.seed", 7L);
        random = new SplittableRandom(seed);
        sweep = new ResumableSweep(folder);
        long begun = System.nanoTime();
        assertEquals(0, sweep.start("whole", LEVELS).waitFor(), Files.readString(sweep.log()));
        undisturbed = (System.nanoTime() - begun) / 1_000_000;
        sweep.run("first", FIRST_LEVELS).succeeds();
        int sweeps = 0;
        for (int left = kills; left > 0; sweeps++) {
            String out = "killed" + sweeps;
            if (sweeps % 2 == 1) {
                copy("first", out);
            }
            int most = Math.min(left, 1 + random.nextInt(MOST_KILLS));
            // The first right after its first layer, so that one at least goes on from a state on any machine.
            int killed = sweeps == 0 && killedWhen(out, sweep.state(out)) ? 1 : 0;
            while (killed < most && killed(out)) {
                killed++;
            }
            left -= killed;
            String so =
                    "seed " + seed + ", sweep " + sweeps + " after " + killed + " kills, " + left + " left: " + phases;
            completes(out, so);
            if (kills > FEW) {
                System.out.println(so);
            }
        }
        System.out.println("KilledSweepTest, seed " + seed + ": " + kills + " kills of " + sweeps + " sweeps that take "
                + undisturbed + " ms undisturbed, all of which ended up with the same files; killed while " + phases);
        assertTrue(phases.keySet().stream().anyMatch(p -> p.startsWith("layers")), phases::toString);
    }

    /** Runs the command and kills it; false where it was over before. */
    private boolean killed(String out) throws IOException, InterruptedException {
        Path levels = sweep.folder().resolve(out).resolve(".sweep/levels.bin");
        // The end is short, so every third kill waits for it.
        return random.nextInt(3) == 0 ? killedWhen(out, levels) : killed(out, null, random.nextLong(undisturbed));
    }

    private boolean killedWhen(String out, Path changes) throws IOException, InterruptedException {
        return killed(out, changes, random.nextLong(undisturbed / 10));
    }

    /** @param changes waits until this file is another one, or null */
    private boolean killed(String out, Path changes, long millis) throws IOException, InterruptedException {
        FileTime levelsBefore = written(out, ".sweep/levels.bin");
        FileTime reportsBefore = written(out, "results.json");
        FileTime before = changes == null ? null : time(changes);
        Process process = sweep.start(out, LEVELS);
        while (changes != null && process.isAlive() && time(changes).equals(before)) {
            Thread.sleep(1);
        }
        if (process.waitFor(millis, TimeUnit.MILLISECONDS)) {
            assertEquals(0, process.exitValue(), Files.readString(sweep.log()));
            return false;
        }
        // SIGKILL: nothing of the process runs any more.
        process.destroyForcibly().waitFor();
        String kind = levelsBefore.toMillis() == 0 ? "" : " (adding levels)";
        phases.merge(phase(out, levelsBefore, reportsBefore) + kind, 1, Integer::sum);
        return true;
    }

    /** What the process was at when it died, as its files tell. */
    private String phase(String out, FileTime levelsBefore, FileTime reportsBefore) throws IOException {
        boolean levels = !written(out, ".sweep/levels.bin").equals(levelsBefore);
        if (!written(out, "results.json").equals(reportsBefore)) {
            return "ending";
        }
        if (levels) {
            return Files.exists(sweep.state(out))
                    ? "finishing: state not yet removed"
                    : "finishing: statistics, reports";
        }
        if (Files.exists(folder.resolve(out)) && sweep.files(out).stream().anyMatch(f -> f.endsWith(".tmp"))) {
            return "writing a file";
        }
        if (!Files.exists(sweep.state(out))) {
            return "beginning";
        }
        try (SweepFolder kept = SweepFolder.lock(folder.resolve(out))) {
            int layers = kept.read("layers", (fingerprint, in) -> in.readInt()).orElseThrow();
            return layers > LAYERS ? "levels write" : "layers";
        }
    }

    private FileTime written(String out, String file) throws IOException {
        return time(folder.resolve(out).resolve(file));
    }

    private static FileTime time(Path file) throws IOException {
        return Files.exists(file) ? Files.getLastModifiedTime(file) : FileTime.fromMillis(0);
    }

    private void completes(String out, String message) throws IOException {
        sweep.run(out, LEVELS, "-q").succeeds();
        assertEquals(sweep.results("whole"), sweep.results(out), message);
        assertEquals(sweep.files("whole"), sweep.files(out), message);
        for (String file : sweep.files(out)) {
            if (file.startsWith("scores")) {
                assertEquals(
                        -1,
                        Files.mismatch(
                                folder.resolve("whole").resolve(file),
                                folder.resolve(out).resolve(file)),
                        file);
            }
        }
    }

    private void copy(String from, String to) throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve(from))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(to).resolve(folder.resolve(from).relativize(file)));
            }
        }
    }
}
