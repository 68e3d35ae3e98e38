package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.bitscarp.compute.LogitScorer;
import org.bitscarp.compute.Scores;
import org.bitscarp.compute.TopTokens;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.MiniFloat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Scores of logits that are never written, against the kernel that writes them first and looks then. */
class LogitKernelsTest {
    private static final long SEED = 41;

    private final SplittableRandom random = new SplittableRandom(SEED);

    /** Values that every type of tensor cores holds, so that products differ by their sums' roundings alone. */
    private DeviceTensor tensor(KernelBed bed, int rows, int columns, double range) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            float value = (float) ((2 * random.nextDouble() - 1) * range);
            values[i] = MiniFloat.BF16.decode(MiniFloat.BF16.encode(value));
        }
        return bed.tensor(rows, columns, values);
    }

    @ParameterizedTest
    @CsvSource({
        "FP32, 1, 1, 1, 0",
        "FP32, 31, 129, 33, 30",
        "FP32, 129, 700, 7, 0",
        "FP16, 7, 31, 65, 0",
        "FP16, 129, 257, 33, 3",
        "BF16, 33, 385, 129, 0",
        "BF16, 1, 128, 8, 20",
        "TF32, 65, 130, 31, 0",
        "TF32, 3, 7, 0, 0"
    })
    void scoresAreThoseOfTheSpecification(DenseType type, int m, int n, int k, float cap) {
        int[] targets = new int[m];
        for (int row = 0; row < m; row++) {
            targets[row] = row % 4 == 3 ? n + row : row * 37 % n;
        }
        double range = 4 / Math.sqrt(Math.max(1, k));
        try (KernelBed bed = new KernelBed(80)) {
            DeviceTensor x = tensor(bed, m, k, 1);
            DeviceTensor[] heads = {tensor(bed, n, k, range), tensor(bed, n, k, range)};
            LogitScorer scorer = new FusedLogits(bed.launcher, type, bed.memory(), m, n, true);
            LogitScorer.Tile tile = new LogitScorer.Tile(0, targets);
            Specification specification = new Specification(bed, x, targets, cap);
            Scores[] scores = {new Scores(m), new Scores(m)};
            TopTokens[] tops = {new TopTokens(m), new TopTokens(m)};
            scorer.reference(new LogitScorer.Logits(x, heads[0], cap), tile, scores[0], tops[0]);
            scorer.against(new LogitScorer.Logits(x, heads[1], cap), tile, scores[0], scores[1], tops[1]);
            Scores[] expected = {new Scores(m), new Scores(m)};
            TopTokens[] expectedTops = {new TopTokens(m), new TopTokens(m)};
            specification.run(heads[0], null, expected[0], expectedTops[0]);
            specification.run(heads[1], expected[0], expected[1], expectedTops[1]);
            // A logit is a sum of k products of running value up to 8, whose steps tensor cores cut off.
            double tolerance = 8 * (k + 64) * 0x1p-23;
            for (int l = 0; l < 2; l++) {
                for (int row = 0; row < m; row++) {
                    String where = "level " + l + ", row " + row;
                    close(expected[l].logSumExp(row), scores[l].logSumExp(row), tolerance, where);
                    assertEquals(
                            Double.isNaN(expected[l].negativeLogLikelihood(row)),
                            Double.isNaN(scores[l].negativeLogLikelihood(row)),
                            where);
                    if (targets[row] < n) {
                        close(
                                expected[l].negativeLogLikelihood(row),
                                scores[l].negativeLogLikelihood(row),
                                2 * tolerance,
                                where);
                    }
                    for (int rank = 0; rank < TopTokens.COUNT; rank++) {
                        assertEquals(expectedTops[l].token(row, rank), tops[l].token(row, rank), where);
                    }
                    assertEquals(expected[l].top1(row), scores[l].top1(row), where);
                }
            }
            for (int row = 0; row < m; row++) {
                double divergence = expected[1].klDivergence(expected[0], row);
                close(divergence, scores[1].klDivergence(scores[0], row), 16 * tolerance, "divergence, row " + row);
            }
        }
    }

    private static void close(double expected, double found, double tolerance, String where) {
        assertTrue(Math.abs(expected - found) <= tolerance, where + ": " + expected + ", found " + found);
    }

    /** Logits that no sum can be taken over, one of them in the second tile, and a row with nothing to say. */
    @ParameterizedTest
    @CsvSource({"FP32", "BF16"})
    void whatIsNotANumberStaysSo(DenseType type) {
        int n = 140;
        float[] head = new float[n];
        java.util.Arrays.fill(head, 0.5f);
        head[20] = 2;
        head[135] = Float.NaN;
        try (KernelBed bed = new KernelBed(80)) {
            DeviceTensor x = bed.tensor(3, 1, new float[] {1, -1, Float.POSITIVE_INFINITY});
            DeviceTensor w = bed.tensor(n, 1, head);
            Scores scores = new Scores(3);
            TopTokens top = new TopTokens(3);
            LogitScorer scorer = new FusedLogits(bed.launcher, type, bed.memory(), 3, n, false);
            scorer.reference(new LogitScorer.Logits(x, w, 0), new LogitScorer.Tile(0, new int[3]), scores, top);
            for (int row = 0; row < 3; row++) {
                assertTrue(Double.isNaN(scores.negativeLogLikelihood(row)), "row " + row);
            }
            assertEquals(20, top.token(0, 0));
            assertEquals(0, top.token(0, 1));
            assertEquals(3, top.token(0, 4));
            assertEquals(20, scores.top1(0));
            assertEquals(0, scores.top1(1));
            LogitScorer.Tile tile = new LogitScorer.Tile(0, new int[3]);
            LogitScorer.Logits logits = new LogitScorer.Logits(x, w, 0);
            assertThrows(IllegalStateException.class, () -> scorer.against(logits, tile, scores, scores, top));
            LogitScorer.Tile wrong = new LogitScorer.Tile(0, new int[2]);
            assertThrows(IllegalArgumentException.class, () -> scorer.reference(logits, wrong, scores, top));
        }
    }

    /** The naive kernel's launches, one after the other: the reference's logits stay for the level behind it. */
    private final class Specification {
        private final KernelBed bed;
        private final DeviceTensor x;
        private final int[] targets;
        private final float cap;
        private DeviceTensor reference;
        private DeviceTensor referenceScores;

        Specification(KernelBed bed, DeviceTensor x, int[] targets, float cap) {
            this.bed = bed;
            this.x = x;
            this.targets = targets;
            this.cap = cap;
        }

        void run(DeviceTensor head, Scores before, Scores scores, TopTokens top) {
            int m = x.rows();
            int n = head.rows();
            DeviceTensor logits = bed.tensor(m, n);
            DeviceTensor found = bed.tensor(m, ScoreKernels.ROW / 4);
            DeviceTensor tokens = bed.tensor(m, TopKernels.ROW / 4);
            DeviceTensor places = bed.tensor(1, m);
            bed.lane.upload(MemorySegment.ofArray(targets), places.address());
            Call call = bed.launcher
                    .call(bed.lane, "logits_fp32", "logits_naive")
                    .reads(x)
                    .reads(head)
                    .integer(m)
                    .integer(n)
                    .integer(x.columns())
                    .float32(cap)
                    .reads(places)
                    .writes(logits);
            (before == null ? call.address(0).address(0) : call.reads(reference).reads(referenceScores))
                    .integer(n)
                    .writes(found)
                    .writes(tokens)
                    .launch(Grid.covering(m, 32), 32);
            ScoreKernels.take(bed.lane, found.address(), n, 0, targets, scores, before);
            TopKernels.take(bed.lane, tokens.address(), m, 0, top);
            reference = logits;
            referenceScores = found;
        }
    }
}
