package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the contract suites stand on: a backend under test beside the scalar specification, and operands that exist on both,
 * with memory before and after them checked for stray writes.
 */
public abstract class BackendHarness {
    /** fp32 unit roundoff, 2⁻²⁴. */
    static final double UNIT = 0x1p-24;
    /** Error of exp and of one division or square root, in units: Cephes' polynomial 3, the operations around it 2. */
    static final double ELEMENTARY = 8 * UNIT;

    private static final float CANARY = 12345.678f;
    private static final int GUARD = 64;

    final ScalarBackend specification = new ScalarBackend();
    final SplittableRandom random = new SplittableRandom(20261);
    Backend backend;
    TensorMemory memory;
    private TensorMemory specificationMemory;

    /** The backend under test, closed after each test. */
    protected abstract Backend backend();

    @BeforeEach
    void open() {
        backend = backend();
        memory = backend.newMemory();
        specificationMemory = specification.newMemory();
    }

    @AfterEach
    void close() {
        // Neither is there where there is no device and the test was left out.
        if (memory != null) {
            memory.close();
            specificationMemory.close();
            backend.close();
        }
    }

    Pair pair(int rows, int columns) {
        return pair(rows, columns, 2);
    }

    Pair pair(int rows, int columns, double range) {
        return new Pair(rows, columns, range);
    }

    /** The same random values on the backend under test, between guards, and on the specification's. */
    final class Pair {
        final Tensor guarded;
        final Tensor device;
        final Tensor host;

        Pair(int rows, int columns, double range) {
            int guardRows = (GUARD + columns - 1) / columns;
            guarded = memory.allocate(rows + 2 * guardRows, columns);
            device = guarded.slice(guardRows, rows);
            host = specificationMemory.allocate(rows, columns);
            fill(guarded, () -> CANARY);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment values = arena.allocate(4L * Math.max(1, rows * columns), 4);
                for (int i = 0; i < rows * columns; i++) {
                    values.setAtIndex(JAVA_FLOAT, i, (float) ((2 * random.nextDouble() - 1) * range));
                }
                backend.upload(values, device);
                specification.upload(values, host);
            }
        }

        void fill(Tensor t, java.util.function.DoubleSupplier value) {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment values = arena.allocate(4L * t.rows() * t.columns(), 4);
                for (int i = 0; i < t.rows() * t.columns(); i++) {
                    values.setAtIndex(JAVA_FLOAT, i, (float) value.getAsDouble());
                }
                backend.upload(values, t);
            }
        }

        void set(int index, float value) {
            float[] d = floats(backend, device);
            d[index] = value;
            setAll(d);
        }

        void setAll(float... d) {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment values = arena.allocateFrom(JAVA_FLOAT, d);
                backend.upload(values, device);
                specification.upload(values, host);
            }
        }

        double[] row(int row) {
            float[] all = floats(specification, host);
            double[] z = new double[host.columns()];
            for (int i = 0; i < z.length; i++) {
                z[i] = all[row * z.length + i];
            }
            return z;
        }

        /** A copy of some columns on the backend under test. */
        Tensor columns(int first, int n) {
            Tensor part = memory.allocate(device.rows(), n);
            float[] all = floats(backend, device);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment values = arena.allocate(4L * device.rows() * n, 4);
                for (int row = 0; row < device.rows(); row++) {
                    MemorySegment.copy(all, row * device.columns() + first, values, JAVA_FLOAT, 4L * row * n, n);
                }
                backend.upload(values, part);
            }
            return part;
        }

        void check(String operation, double tolerance) {
            check(operation, tolerance, 0);
        }

        /** Within an absolute and a relative tolerance together; what the specification makes NaN has to be NaN. */
        void check(String operation, double absolute, double relative) {
            float[] expected = floats(specification, host);
            float[] actual = floats(backend, device);
            for (int i = 0; i < expected.length; i++) {
                if (Float.isNaN(expected[i])) {
                    assertTrue(Float.isNaN(actual[i]), operation + "[" + i + "] expected NaN found " + actual[i]);
                    continue;
                }
                double tolerance = absolute + relative * Math.abs(expected[i]);
                double error = Math.abs((double) expected[i] - actual[i]);
                assertTrue(
                        error <= tolerance,
                        operation + "[" + i + "] expected " + expected[i] + " found " + actual[i] + ": "
                                + 100 * error / tolerance + " % of the tolerance");
            }
            float[] all = floats(backend, guarded);
            int guard = (guarded.rows() - device.rows()) / 2 * guarded.columns();
            for (int i = 0; i < guard; i++) {
                assertEquals(CANARY, all[i], operation + " wrote before its output");
                assertEquals(CANARY, all[all.length - 1 - i], operation + " wrote behind its output");
            }
        }
    }

    static float[] floats(Backend backend, Tensor t) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment values = arena.allocate(Math.max(4, 4L * t.rows() * t.columns()), 4);
            backend.download(t, values);
            float[] f = new float[t.rows() * t.columns()];
            MemorySegment.copy(values, JAVA_FLOAT, 0, f, 0, f.length);
            return f;
        }
    }
}
