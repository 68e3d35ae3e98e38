package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.PackedMatrix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every backend has to do: each operation against the scalar specification, at sizes around every vector width, with
 * memory before and after the operands checked for stray writes.
 */
abstract class BackendContract {
    /** fp32 unit roundoff, 2⁻²⁴. */
    static final double UNIT = 0x1p-24;
    /** Error of exp and of one division or square root, in units: Cephes' polynomial 3, the operations around it 2. */
    static final double ELEMENTARY = 8 * UNIT;

    private static final float CANARY = 12345.678f;
    private static final int GUARD = 64;

    private final ScalarBackend specification = new ScalarBackend();
    private final SplittableRandom random = new SplittableRandom(20261);
    private Backend backend;
    private TensorMemory memory;
    private TensorMemory specificationMemory;

    abstract Backend backend();

    @BeforeEach
    void open() {
        backend = backend();
        memory = backend.newMemory();
        specificationMemory = specification.newMemory();
    }

    @AfterEach
    void close() {
        memory.close();
        specificationMemory.close();
        backend.close();
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,1",
        "1,7,3",
        "5,1,31",
        "6,64,16",
        "7,65,17",
        "13,31,129",
        "12,33,512",
        "33,129,7",
        "193,67,513",
        "6,32,1025",
        "200,2049,5"
    })
    void matmul(int m, int n, int k) {
        Pair x = pair(m, k);
        Pair w = pair(n, k);
        Pair y = pair(m, n);
        backend.matmul(x.device, w.device, y.device);
        specification.matmul(x.host, w.host, y.host);
        // A sum of k products: at most k roundings of a running value of about √k·σ² (inputs are N(0,1)-like, |x| ≤ 2).
        y.check("matmul", (k + 2) * UNIT * 4 * Math.sqrt(k));
    }

    @Test
    void emptyMatmulWritesNothing() {
        Pair x = pair(0, 5);
        Pair w = pair(3, 5);
        Pair y = pair(0, 3);
        backend.matmul(x.device, w.device, y.device);
        y.check("empty matmul", 0);
    }

    @Test
    void mismatchedShapesAreRefused() {
        Pair x = pair(2, 5);
        Pair w = pair(3, 4);
        Pair y = pair(2, 3);
        String message = assertThrows(
                        IllegalArgumentException.class, () -> backend.matmul(x.device, w.device, y.device))
                .getMessage();
        assertTrue(message.contains("[2, 5]") && message.contains("[3, 4]"), message);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 15, 16, 17, 31, 33, 63, 129, 1025})
    void elementwise(int columns) {
        Pair x = pair(3, columns);
        Pair y = pair(3, columns);
        Pair bias = pair(1, columns);
        backend.add(x.device, y.device);
        specification.add(x.host, y.host);
        x.check("add", 0);
        backend.addBias(x.device, bias.device);
        specification.addBias(x.host, bias.host);
        x.check("add bias", 0);
        backend.activateMultiply(Activation.SILU, x.device, y.device);
        specification.activateMultiply(Activation.SILU, x.host, y.host);
        x.check("silu", 16 * ELEMENTARY);
    }

    @Test
    void siluSaturatesAtBothEnds() {
        Pair gate = pair(1, 40);
        Pair up = pair(1, 40);
        for (int i = 0; i < 40; i++) {
            float z = (i - 20) * 20;
            gate.set(i, z);
            up.set(i, 1);
        }
        backend.activateMultiply(Activation.SILU, gate.device, up.device);
        specification.activateMultiply(Activation.SILU, gate.host, up.host);
        gate.check("silu far out", 400 * ELEMENTARY);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 31, 33, 129, 4097})
    void rmsNorm(int columns) {
        Pair x = pair(5, columns);
        Pair gain = pair(1, columns);
        Pair y = pair(5, columns);
        backend.rmsNorm(x.device, gain.device, 1e-5f, y.device);
        specification.rmsNorm(x.host, gain.host, 1e-5f, y.host);
        y.check("rms norm", 16 * ELEMENTARY * Math.sqrt(columns));
    }

    @ParameterizedTest
    @CsvSource({"1,2,3,1", "3,16,5,8", "2,64,7,32", "2,66,4,33", "3,8,5,3", "2,128,3,16"})
    void rope(int heads, int headDim, int length, int pairs) {
        Pair x = pair(2 * length, heads * headDim);
        Pair cos = pair(length, pairs);
        Pair sin = pair(length, pairs);
        backend.rope(x.device, headDim, cos.device, sin.device);
        specification.rope(x.host, headDim, cos.host, sin.host);
        x.check("rope", 8 * 4 * UNIT);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1,4,1", "7,2,1,8,2", "33,4,2,16,1", "129,3,3,7,2", "130,2,1,64,1", "31,8,4,32,3"})
    void attention(int length, int heads, int kvHeads, int headDim, int windows) {
        AttentionShape shape = new AttentionShape(length, heads, kvHeads, headDim);
        Pair q = pair(windows * length, heads * headDim);
        Pair k = pair(windows * length, kvHeads * headDim);
        Pair v = pair(windows * length, kvHeads * headDim);
        Pair out = pair(windows * length, heads * headDim);
        backend.attention(q.device, k.device, v.device, shape, out.device);
        specification.attention(q.host, k.host, v.host, shape, out.host);
        // Scores up to about 4·√headDim carry headDim roundings each into the exponent; the mix adds `length` more.
        out.check("attention", (headDim + length + 16) * UNIT * 8 * Math.sqrt(headDim));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 33, 300, 5000})
    void sums(int columns) {
        Pair x = pair(3, columns);
        Pair y = pair(3, columns);
        double norm = specification.squaredNorm(x.host);
        assertEquals(norm, backend.squaredNorm(x.device), 64 * UNIT * norm);
        double distance = specification.squaredDistance(x.host, y.host);
        assertEquals(distance, backend.squaredDistance(x.device, y.device), 64 * UNIT * distance);
        assertEquals(0, backend.squaredDistance(x.device, x.device));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 33, 300})
    void columnSquares(int columns) {
        Pair x = pair(7, columns);
        double[] expected = new double[columns];
        double[] actual = new double[columns];
        Arrays.fill(expected, 3);
        Arrays.fill(actual, 3);
        specification.addColumnSquares(x.host, expected);
        backend.addColumnSquares(x.device, actual);
        for (int i = 0; i < columns; i++) {
            assertEquals(expected[i], actual[i], 64 * UNIT * expected[i]);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "17,17", "40,7", "300,129", "4096,4096", "1000,333"})
    void scoresOfAVocabularyInSlices(int vocabulary, int slice) {
        int rows = 5;
        int[] targets = {0, vocabulary - 1, vocabulary / 2, -1, vocabulary / 3};
        Pair reference = pair(rows, vocabulary, 8);
        Pair level = pair(rows, vocabulary, 8);
        Scores r = new Scores(rows);
        Scores l = new Scores(rows);
        for (int first = 0; first < vocabulary; first += slice) {
            int n = Math.min(slice, vocabulary - first);
            Tensor zr = reference.columns(first, n);
            Tensor zl = level.columns(first, n);
            Tensor exponentials = memory.allocate(rows, n);
            backend.scoreReference(zr, first, targets, r, exponentials);
            backend.scoreAgainst(zr, exponentials, r, zl, first, targets, l);
        }
        for (int row = 0; row < rows; row++) {
            double[] zr = reference.row(row);
            double[] zl = level.row(row);
            double lseR = logSumExp(zr);
            double lseL = logSumExp(zl);
            double kl = 0;
            for (int i = 0; i < vocabulary; i++) {
                kl += Math.exp(zr[i] - lseR) * (zr[i] - lseR - zl[i] + lseL);
            }
            double tolerance = 64 * ELEMENTARY;
            assertEquals(lseL, l.logSumExp(row), tolerance * 16, "log-sum-exp");
            assertEquals(argmax(zl), l.top1(row), "top-1");
            assertEquals(kl, l.klDivergence(r, row), tolerance * 16, "KL");
            if (targets[row] >= 0) {
                assertEquals(lseL - zl[targets[row]], l.negativeLogLikelihood(row), tolerance * 16, "NLL");
            } else {
                assertTrue(Double.isNaN(l.negativeLogLikelihood(row)), "a row without a target has no likelihood");
            }
        }
    }

    @Test
    void identicalLogitsDivergeByExactlyZero() {
        Pair z = pair(4, 1000, 10);
        int[] targets = {1, 2, 3, 4};
        Scores r = new Scores(4);
        Scores l = new Scores(4);
        Tensor exponentials = memory.allocate(4, 1000);
        backend.scoreReference(z.device, 0, targets, r, exponentials);
        backend.scoreAgainst(z.device, exponentials, r, z.device, 0, targets, l);
        for (int row = 0; row < 4; row++) {
            assertEquals(0.0, l.klDivergence(r, row));
            assertEquals(r.negativeLogLikelihood(row), l.negativeLogLikelihood(row));
        }
    }

    @Test
    void aNotANumberLogitMakesTheScoreNotANumber() {
        Pair z = pair(1, 100);
        z.set(37, Float.NaN);
        Scores r = new Scores(1);
        backend.scoreReference(z.device, 0, new int[] {5}, r, memory.allocate(1, 100));
        assertTrue(Double.isNaN(r.negativeLogLikelihood(0)));
    }

    @Test
    void decodesOnlyTheRowsAskedFor() {
        try (Arena arena = Arena.ofShared()) {
            PackedMatrix packed = PackedMatrix.allocate(new OneByte(), 5, 9, arena);
            for (int i = 0; i < 45; i++) {
                packed.bytes().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) (i - 20));
            }
            Tensor target = memory.allocate(5, 9);
            backend.decode(packed, 1, 4, target);
            MemorySegment host = arena.allocate(4 * 45, 4);
            backend.download(target, host);
            for (int i = 0; i < 45; i++) {
                assertEquals(i >= 9 && i < 36 ? i - 20 : 0, host.getAtIndex(JAVA_FLOAT, i));
            }
        }
    }

    private static double logSumExp(double[] z) {
        double max = Arrays.stream(z).max().orElseThrow();
        return max + Math.log(Arrays.stream(z).map(v -> Math.exp(v - max)).sum());
    }

    private static int argmax(double[] z) {
        int best = 0;
        for (int i = 1; i < z.length; i++) {
            best = z[i] > z[best] ? i : best;
        }
        return best;
    }

    private Pair pair(int rows, int columns) {
        return pair(rows, columns, 2);
    }

    private Pair pair(int rows, int columns, double range) {
        return new Pair(rows, columns, range);
    }

    /** The same random values on the backend under test, between guards, and on the specification's. */
    private final class Pair {
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
            float[] expected = floats(specification, host);
            float[] actual = floats(backend, device);
            for (int i = 0; i < expected.length; i++) {
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

    private static float[] floats(Backend backend, Tensor t) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment values = arena.allocate(Math.max(4, 4L * t.rows() * t.columns()), 4);
            backend.download(t, values);
            float[] f = new float[t.rows() * t.columns()];
            MemorySegment.copy(values, JAVA_FLOAT, 0, f, 0, f.length);
            return f;
        }
    }

    /** A storage format of one signed byte a weight. */
    private static final class OneByte implements BlockFormat {
        @Override
        public String name() {
            return "byte";
        }

        @Override
        public int blockLength(int columns) {
            return 4;
        }

        @Override
        public int blockBytes(int length) {
            return length;
        }

        @Override
        public Grid fit(float[] w, int from, int length) {
            throw new AssertionError("only decoded here");
        }

        @Override
        public Grid search(float[] w, int from, int length, float[] importance, int importanceFrom) {
            throw new AssertionError("only decoded here");
        }

        @Override
        public void encode(Grid grid, int[] codes, int length, MemorySegment target, long offset) {
            throw new AssertionError("only decoded here");
        }

        @Override
        public void decode(MemorySegment source, long offset, int length, float[] w, int from) {
            for (int i = 0; i < length; i++) {
                w[from + i] = source.get(java.lang.foreign.ValueLayout.JAVA_BYTE, offset + i);
            }
        }
    }
}
