package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.Stream;
import org.bitscarp.compute.check.BackendCheck;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.PackedMatrix;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every backend has to do: the operations of {@link BackendCheck}, which also runs on users' devices, and what is not
 * one comparison with the specification. {@link LayerContract} has what happens inside a layer.
 */
public abstract class BackendContract extends LayerContract {
    @TestFactory
    Stream<DynamicTest> everyOperationMeetsItsSpecification() {
        return BackendCheck.operations().stream()
                .map(operation -> DynamicTest.dynamicTest(operation.toString(), () -> {
                    BackendCheck.Outcome outcome = BackendCheck.run(backend, operation);
                    assertTrue(outcome.passed(), outcome.fault());
                }));
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
            double lseL = logSumExp(zl);
            double kl = divergence(zr, zl);
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

    /**
     * Of given logits, divergences are those of double precision to 10⁻⁶ nats, from 10⁻⁶ nats to several, whatever the
     * slices: what reports say beyond that is the forward pass's fp32 and not the scoring's.
     */
    @ParameterizedTest
    @CsvSource({"0.002,333", "0.05,2048", "0.5,5000", "2,700", "6,2048"})
    void divergencesOfGivenLogitsAreThoseOfDoublePrecision(float distance, int slice) {
        int rows = 6;
        int vocabulary = 5000;
        Pair reference = pair(rows, vocabulary, 8);
        Pair level = pair(rows, vocabulary, distance);
        float[] logits = floats(backend, level.device);
        float[] near = floats(backend, reference.device);
        for (int i = 0; i < logits.length; i++) {
            logits[i] += near[i];
        }
        level.setAll(logits);
        Scores r = new Scores(rows);
        Scores l = new Scores(rows);
        int[] targets = new int[rows];
        for (int first = 0; first < vocabulary; first += slice) {
            int n = Math.min(slice, vocabulary - first);
            Tensor zr = reference.columns(first, n);
            Tensor exponentials = memory.allocate(rows, n);
            backend.scoreReference(zr, first, targets, r, exponentials);
            backend.scoreAgainst(zr, exponentials, r, level.columns(first, n), first, targets, l);
        }
        for (int row = 0; row < rows; row++) {
            double expected = divergence(reference.row(row), level.row(row));
            assertTrue(expected > distance * distance / 100, "distances of all sizes: " + expected);
            assertEquals(expected, l.klDivergence(r, row), 1e-6 * Math.max(1, expected), "KL");
            double nll = logSumExp(level.row(row)) - level.row(row)[0];
            assertEquals(nll, l.negativeLogLikelihood(row), 1e-6, "NLL");
        }
    }

    private static double divergence(double[] reference, double[] level) {
        double shift = logSumExp(level) - logSumExp(reference);
        double lse = logSumExp(reference);
        double kl = 0;
        for (int i = 0; i < reference.length; i++) {
            kl += Math.exp(reference[i] - lse) * (reference[i] - level[i] + shift);
        }
        return kl;
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
