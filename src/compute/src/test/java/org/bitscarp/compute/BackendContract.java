package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.PackedMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every backend has to do: each operation against the scalar specification, at sizes around every vector width. This
 * suite has matrix products, sums, scores and packed matrices; {@link LayerContract} has what happens inside a layer.
 */
public abstract class BackendContract extends LayerContract {
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
    @CsvSource({"1,1,0,1", "5,7,0,7", "33,40,0,40", "300,129,64,65", "7,200,130,3", "2048,65,1,64"})
    void outerProducts(int rows, int columns, int first, int count) {
        Pair x = pair(rows, columns);
        Pair sums = pair(columns, columns);
        backend.addOuterProducts(x.device, first, count, sums.device);
        specification.addOuterProducts(x.host, first, count, sums.host);
        float[] found = floats(backend, sums.device);
        float[] expected = floats(specification, sums.host);
        for (int i = first; i < first + count; i++) {
            System.arraycopy(expected, i * columns + first, found, i * columns + first, i - first);
        }
        try (Arena arena = Arena.ofShared()) {
            backend.upload(arena.allocateFrom(JAVA_FLOAT, found), sums.device);
        }
        // As in a product of that depth, and one addition more.
        sums.check("outer products", (rows + 3) * UNIT * 4 * Math.sqrt(rows));
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

    /** Against a full sort; logits have few different values, so that ties decide too. */
    @ParameterizedTest
    @CsvSource({"3,3,100", "5,2,100", "17,17,3", "40,7,1000", "300,129,20", "4096,333,50"})
    void theMostLikelyTokensOfAVocabularyInSlices(int vocabulary, int slice, int values) {
        int rows = 4;
        Pair z = pair(rows, vocabulary, 8);
        float[] rounded = floats(backend, z.device);
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = Math.round(rounded[i] * values) / (float) values;
        }
        rounded[vocabulary - 1] = Float.NaN;
        z.setAll(rounded);
        TopTokens top = new TopTokens(rows);
        for (int first = 0; first < vocabulary; first += slice) {
            backend.keepTop(z.columns(first, Math.min(slice, vocabulary - first)), first, top);
        }
        for (int row = 0; row < rows; row++) {
            double[] logits = z.row(row);
            int[] expected = java.util.stream.IntStream.range(0, vocabulary)
                    .filter(i -> !Double.isNaN(logits[i]))
                    .boxed()
                    .sorted(java.util.Comparator.comparingDouble(i -> -logits[i]))
                    .mapToInt(i -> i)
                    .limit(TopTokens.COUNT)
                    .toArray();
            for (int rank = 0; rank < TopTokens.COUNT; rank++) {
                assertEquals(rank < expected.length ? expected[rank] : -1, top.token(row, rank), "rank " + rank);
            }
            assertEquals(expected.length, top.shared(top, row));
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
