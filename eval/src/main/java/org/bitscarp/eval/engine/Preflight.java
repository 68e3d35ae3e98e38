package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;

/**
 * What a sweep will take, said or refused before it is begun.
 *
 * @param fixed bytes outside the heap that are taken whatever the memory budget is
 * @param heap bytes of token scores
 * @param states bytes of the hidden states of all levels
 * @param operations multiplications and additions of all matrix products
 */
record Preflight(long fixed, long heap, long states, double operations) {
    /** Per token and level: likelihood, divergence and the sums and best tokens that they come from. */
    private static final long SCORE_BYTES = 128;
    /** A sweep that is expected to take longer says so. */
    private static final double WORTH_SAYING = 60;

    private static final long PROBE_NANOS = 200_000_000;

    /**
     * @param fixed bytes of weights and activations
     * @param rows that go through the layers at each level
     * @param calibrationRows that go through them once
     * @param levels the noise floor counts as one
     */
    static Preflight of(Checkpoint checkpoint, long fixed, long rows, long calibrationRows, int levels) {
        DecoderSpec spec = checkpoint.spec();
        double layers = 0;
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && role.inLayer() && layer < spec.layers(); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                if (weight != null) {
                    layers += (double) weight.size()
                            / (role.perExpert() ? spec.mlp().experts() : 1);
                }
            }
        }
        double head = (double) spec.vocabulary() * spec.hidden();
        return new Preflight(
                fixed,
                SCORE_BYTES * rows * levels,
                4L * spec.hidden() * (rows * levels + calibrationRows),
                2 * (layers * (rows * levels + calibrationRows) + head * rows * levels));
    }

    /**
     * @param keeper whose folder has to hold two states for a moment
     * @throws IOException with the numbers, where the sweep cannot fit
     */
    void check(LayerKeeper keeper) throws IOException {
        long machine = machineBytes();
        if (fixed > machine) {
            throw new IOException("one layer and one batch of windows take " + size(fixed) + ", this machine has "
                    + size(machine) + "; give a smaller --context or fewer --threads");
        }
        long java = Runtime.getRuntime().maxMemory();
        if (heap > java) {
            throw new IOException(
                    "token scores take " + size(heap) + " of the Java heap, which may grow to " + size(java)
                            + "; give BITSCARP_JAVA_OPTIONS=-Xmx" + (heap / (1L << 30) + 2)
                            + "g, fewer --levels or a smaller --max-tokens");
        }
        keeper.checkSpace(2 * states);
    }

    /** The numbers in a line, where the sweep will take long enough for somebody to wait for it. */
    void say(Backend backend, Checkpoint checkpoint, int unitRows, int levels, Progress progress) {
        if (operations < 1e12) {
            return;
        }
        double seconds = operations / probe(backend, checkpoint.spec(), unitRows);
        if (seconds > WORTH_SAYING) {
            progress.note(String.format(
                    Locale.ROOT,
                    "about %s for the matrix products of %d levels, by a short probe; %s of memory for weights and"
                            + " activations, %s of hidden states, twice that in --out while they are kept",
                    time(seconds),
                    levels,
                    size(fixed),
                    size(states)));
        }
    }

    /** Operations per second of all lanes together in a product of the model's size. */
    private static double probe(Backend backend, DecoderSpec spec, int rows) {
        int hidden = spec.hidden();
        try (TensorMemory memory = backend.newMemory()) {
            Tensor x = memory.allocate(rows, hidden);
            Tensor w = memory.allocate(hidden, hidden);
            Tensor y = memory.allocate(rows, hidden);
            backend.clear(x);
            backend.clear(w);
            backend.matmul(x, w, y);
            long begun = System.nanoTime();
            long products = 0;
            while (System.nanoTime() - begun < PROBE_NANOS) {
                backend.matmul(x, w, y);
                products++;
            }
            double seconds = (System.nanoTime() - begun) / 1e9;
            return 2.0 * rows * hidden * hidden * products / seconds * backend.lanes();
        }
    }

    private static long machineBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : Long.MAX_VALUE;
    }

    static String size(long bytes) {
        return bytes < 1L << 30
                ? Math.ceilDiv(bytes, 1L << 20) + " MiB"
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }

    private static String time(double seconds) {
        long minutes = Math.round(seconds / 60);
        return minutes < 100 ? minutes + " min" : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }
}
