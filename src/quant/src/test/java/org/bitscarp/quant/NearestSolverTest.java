package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NearestSolverTest {
    private static final int ROWS = 13;
    private static final int COLUMNS = 150;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fp16",
                "bf16",
                "int8",
                "int4",
                "int4:g64:sym:search",
                "int2:search",
                "nf4:search",
                "ternary",
                "ternary:search",
                "ternary:tensor:search",
                "int3:row:search"
            })
    void rowRangesInAnyOrderGiveTheSameBytesAndCounts(String text) {
        Level level = Level.parse(text);
        DenseMatrix weights = Weights.HEAVY_TAILED.matrix(ROWS, COLUMNS, 8);
        float[] importance = Weights.importance(COLUMNS, 8);
        PackedMatrix whole = PackedMatrix.allocate(level.format(), ROWS, COLUMNS, Arena.ofAuto());
        PackedMatrix parts = PackedMatrix.allocate(level.format(), ROWS, COLUMNS, Arena.ofAuto());
        SolveStats stats = new SolveStats();
        level.solver().prepare(weights, InputStatistics.of(importance), whole).solve(0, ROWS, stats);
        SolveStats merged = new SolveStats();
        Solver.RowSolver rows = level.solver().prepare(weights, InputStatistics.of(importance), parts);
        for (int[] range : new int[][] {{7, 13}, {0, 1}, {3, 3}, {1, 7}}) {
            SolveStats part = new SolveStats();
            rows.solve(range[0], range[1], part);
            merged.add(part);
        }
        assertArrayEquals(
                whole.bytes().toArray(ValueLayout.JAVA_BYTE), parts.bytes().toArray(ValueLayout.JAVA_BYTE));
        assertEquals(stats.squaredError, merged.squaredError, 1e-12 * stats.squaredError);
        assertEquals((long) ROWS * COLUMNS, merged.weights);

        // The statistics are those of the decoded bytes.
        DenseMatrix decoded = Weights.dense(new float[ROWS * COLUMNS], ROWS, COLUMNS);
        whole.decodeRows(0, ROWS, decoded);
        double error = 0;
        double energy = 0;
        for (long i = 0; i < weights.size(); i++) {
            double w = weights.data().getAtIndex(ValueLayout.JAVA_FLOAT, i);
            double q = decoded.data().getAtIndex(ValueLayout.JAVA_FLOAT, i);
            error += (w - q) * (w - q);
            energy += w * w;
        }
        assertEquals(error, stats.squaredError, 1e-10 * error);
        assertEquals(energy, stats.squaredWeights, 1e-10 * energy);
        assertEquals(0, stats.nonfinite);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int4",
                "int2:sym:search",
                "int3:search",
                "nf4",
                "nf4:search",
                "ternary",
                "ternary:search",
                "ternary:tensor",
                "ternary:tensor:search"
            })
    void nanAndInfinityAreCountedAndStoredAsZeros(String text) {
        float[] w = Weights.GAUSSIAN.block(2 * 64, 2);
        float[] clean = w.clone();
        int[] broken = {0, 5, 63, 64, 100};
        float[] values = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
        for (int i = 0; i < broken.length; i++) {
            w[broken[i]] = values[i % 3];
            clean[broken[i]] = 0;
        }
        SolveStats stats = new SolveStats();
        SolveStats cleanStats = new SolveStats();
        String bytes = GroupedIntTest.hex(GroupedIntTest.pack(text, w, 2, 64, stats));
        assertEquals(GroupedIntTest.hex(GroupedIntTest.pack(text, clean, 2, 64, cleanStats)), bytes);
        assertEquals(5, stats.nonfinite);
        assertEquals(0, cleanStats.nonfinite);
        assertTrue(Double.isFinite(stats.squaredError) && stats.squaredError > 0);
        assertTrue(Double.isFinite(stats.squaredWeights));
    }

    @Test
    void oneNumberThatIsNotFiniteIsFoundAnywhere() {
        for (int length : new int[] {1, 8, 29}) {
            for (int i = 0; i < length; i++) {
                for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    float[] w = new float[length];
                    w[(i + 1) % length] = Float.MAX_VALUE;
                    assertEquals(0, Nonfinite.count(w));
                    w[i] = value;
                    assertEquals(1, Nonfinite.count(w), length + ", " + i);
                }
            }
        }
    }

    @Test
    void mismatchedShapesAreRefused() {
        DenseMatrix weights = Weights.GAUSSIAN.matrix(2, 8, 1);
        PackedMatrix other = PackedMatrix.allocate(FloatFormat.FP16, 2, 9, Arena.ofAuto());
        PackedMatrix same = PackedMatrix.allocate(FloatFormat.FP16, 2, 8, Arena.ofAuto());
        assertThrows(IllegalArgumentException.class, () -> Solvers.RTN.prepare(weights, null, other));
        assertThrows(
                IllegalArgumentException.class,
                () -> Solvers.RTN.prepare(weights, InputStatistics.of(new float[7]), same));
    }

    @Test
    void anEmptyMatrixIsNothingToDo() {
        PackedMatrix packed = PackedMatrix.allocate(Level.parse("int4").format(), 3, 0, Arena.ofAuto());
        SolveStats stats = new SolveStats();
        Solvers.RTN.prepare(Weights.dense(new float[0], 3, 0), null, packed).solve(0, 3, stats);
        assertEquals(0, stats.weights);
        assertEquals(0, packed.byteSize());
    }
}
