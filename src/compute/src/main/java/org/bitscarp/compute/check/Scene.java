package org.bitscarp.compute.check;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;

/**
 * Operands of one operation on one backend. They are random from a fixed seed, so the same work on another backend sees the
 * same values, and lie between guards that show stray writes.
 */
final class Scene implements AutoCloseable {
    private static final long SEED = 20261;
    private static final float CANARY = 12345.678f;
    /** Floats before and behind an operand at least. */
    private static final int GUARD = 64;

    /** Values that came out, each with what it may differ by: {@code absolute + relative × |expected|}. */
    record Result(double[] values, double absolute, double relative) {}

    private final Backend backend;
    private final TensorMemory memory;
    private final SplittableRandom random = new SplittableRandom(SEED);
    private final List<Tensor> guarded = new ArrayList<>();
    private final List<Tensor> inner = new ArrayList<>();
    private final List<Result> results = new ArrayList<>();

    Scene(Backend backend) {
        this.backend = backend;
        memory = backend.newMemory();
    }

    Backend backend() {
        return backend;
    }

    TensorMemory memory() {
        return memory;
    }

    SplittableRandom random() {
        return random;
    }

    /** A tensor of random values between −2 and 2. */
    Tensor tensor(int rows, int columns) {
        return tensor(rows, columns, 2);
    }

    /** A tensor of random values between −range and range. */
    Tensor tensor(int rows, int columns, double range) {
        int guard = guardRows(columns);
        float[] values = new float[(rows + 2 * guard) * columns];
        java.util.Arrays.fill(values, CANARY);
        for (int i = guard * columns; i < (guard + rows) * columns; i++) {
            values[i] = (float) ((2 * random.nextDouble() - 1) * range);
        }
        Tensor whole = memory.allocate(rows + 2 * guard, columns);
        try (Arena arena = Arena.ofConfined()) {
            backend.upload(arena.allocateFrom(JAVA_FLOAT, values), whole);
        }
        Tensor tensor = whole.slice(guard, rows);
        guarded.add(whole);
        inner.add(tensor);
        return tensor;
    }

    private static int guardRows(int columns) {
        return (GUARD + columns - 1) / columns;
    }

    /** Takes a tensor's values as they are now. */
    void result(Tensor tensor, double absolute, double relative) {
        result(values(tensor), absolute, relative);
    }

    double[] values(Tensor tensor) {
        float[] values = floats(tensor);
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }

    void result(double[] values, double absolute, double relative) {
        results.add(new Result(values, absolute, relative));
    }

    List<Result> results() {
        return results;
    }

    /** Whether nothing was written outside the operands. */
    boolean guardsStand() {
        for (int t = 0; t < guarded.size(); t++) {
            float[] values = floats(guarded.get(t));
            int guard = (guarded.get(t).rows() - inner.get(t).rows())
                    / 2
                    * guarded.get(t).columns();
            for (int i = 0; i < guard; i++) {
                if (values[i] != CANARY || values[values.length - 1 - i] != CANARY) {
                    return false;
                }
            }
        }
        return true;
    }

    private float[] floats(Tensor t) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(4, 4L * t.rows() * t.columns()), 4);
            backend.download(t, host);
            return host.asSlice(0, 4L * t.rows() * t.columns()).toArray(JAVA_FLOAT);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
