package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a state after every layer, a sweep that dies loses the layer that it is in and nothing else. */
class LostWorkTest {
    private static final Pattern LAYER = Pattern.compile("(?:layer |going on after layer )(\\d+).*");

    @TempDir
    Path folder;

    /** A sweep's end at one of its reports, as sudden as a test can make it within one process. */
    private static final class Death extends RuntimeException {}

    /** Dies at a report, and remembers what it was and what was noted before. */
    private static final class Doomed implements Progress {
        private final int at;
        private final List<String> reports = new ArrayList<>();
        private int resumedAfter;

        Doomed(int at) {
            this.at = at;
        }

        @Override
        public void report(String what, double done, double total) {
            reports.add(what);
            if (reports.size() == at) {
                throw new Death();
            }
        }

        @Override
        public void note(String line) {
            resumedAfter = layer(line);
        }
    }

    /** The layer that a line names; 0 for none. */
    private static int layer(String line) {
        Matcher layer = LAYER.matcher(line);
        return layer.matches() ? Integer.parseInt(layer.group(1)) : 0;
    }

    private void run(Checkpoint checkpoint, String out, Progress progress) throws IOException {
        int[] tokens = new SplittableRandom(3).ints(33, 0, 4096).toArray();
        WindowPlan plan = Measurements.plan(tokens, 32);
        try (SweepFolder kept = SweepFolder.lock(folder.resolve(out));
                Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1)) {
            new Sweep(
                            checkpoint,
                            new Resources(backend, Measurements.PLENTY, folder, progress),
                            plan,
                            null,
                            Recipe.of(checkpoint, Level.parseList("fp32,int4")))
                    .keepIn(new Keeping(kept, 0), new Fingerprint().with("model", "prose"))
                    .run();
        }
    }

    @Test
    void nothingButTheLayerInWork() throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(Measurements.builtinModel())) {
            Doomed survivor = new Doomed(-1);
            run(checkpoint, "whole", survivor);
            int layers = checkpoint.spec().layers();
            assertTrue(survivor.reports.size() > 2 * layers, survivor.reports::toString);
            for (int i = 1; i < survivor.reports.size(); i++) {
                Doomed doomed = new Doomed(i);
                String out = "died" + i;
                assertThrows(Death.class, () -> run(checkpoint, out, doomed));
                Doomed next = new Doomed(1);
                assertThrows(Death.class, () -> run(checkpoint, out, next));
                String inWork = doomed.reports.getLast();
                int finished = layer(inWork) == 0 ? layers : layer(inWork) - 1;
                assertEquals(finished, next.resumedAfter, "died at: " + inWork);
            }
        }
    }
}
