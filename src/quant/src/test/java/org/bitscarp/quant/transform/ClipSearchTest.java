package org.bitscarp.quant.transform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.gptq.Hessian;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the search as AWQ's code has it, token by token in double; codes are those of the weights themselves. */
class ClipSearchTest {
    private static final int ROWS = 70;
    private static final int COLUMNS = 256;
    private static final int TOKENS = 300;

    private final double[][] tokens = new double[TOKENS][COLUMNS];
    private final DenseMatrix weights =
            new DenseMatrix(Arena.ofAuto().allocate(4L * ROWS * COLUMNS, 64), ROWS, COLUMNS);
    private final InputStatistics inputs;

    ClipSearchTest() {
        SplittableRandom random = new SplittableRandom(12);
        for (double[] token : tokens) {
            double common = random.nextGaussian();
            for (int i = 0; i < COLUMNS; i++) {
                token[i] = (float) ((random.nextGaussian() + common) * (i % 50 == 7 ? 8 : 1));
            }
        }
        for (long i = 0; i < weights.size(); i++) {
            double tail = random.nextInt(40) == 0 ? 4 : 1;
            weights.data().setAtIndex(JAVA_FLOAT, i, (float) (tail * random.nextGaussian()));
        }
        MemorySegment h = Arena.ofAuto().allocate(4L * COLUMNS * COLUMNS, 64);
        for (int i = 0; i < COLUMNS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                double sum = 0;
                for (double[] token : tokens) {
                    sum += token[i] * token[j];
                }
                h.setAtIndex(JAVA_FLOAT, (long) i * COLUMNS + j, (float) (sum / TOKENS));
            }
        }
        Hessian hessian = new Hessian(new DenseMatrix(h, COLUMNS, COLUMNS), Arena.ofAuto());
        inputs = new InputStatistics(hessian.meanSquares(), hessian);
    }

    private PackedMatrix solve(Solver solver, String format, InputStatistics statistics, SolveStats stats) {
        PackedMatrix packed = PackedMatrix.allocate(Level.parse(format).format(), ROWS, COLUMNS, Arena.ofAuto());
        solver.prepare(weights, statistics, packed).solve(0, ROWS, stats);
        return packed;
    }

    /** Mean over tokens of the squared error that channels {@code [at, at + length)} make at a row's output. */
    private double error(float[] w, float[] q, int at, int length) {
        double error = 0;
        for (double[] token : tokens) {
            double output = 0;
            for (int i = at; i < at + length; i++) {
                output += token[i] * ((double) q[i] - w[i]);
            }
            error += output * output / TOKENS;
        }
        return error;
    }

    @ParameterizedTest
    @ValueSource(strings = {"int3:g64", "int2:g32:sym", "int4:row", "nf4", "q4_0"})
    void everyBlockIsCutWhereItsOutputErrorIsLeast(String level) {
        BlockFormat format = Level.parse(level).format();
        int block = format.blockLength(COLUMNS);
        PackedMatrix found = solve(new ClipSearch(), level, inputs, new SolveStats());
        float[] w = new float[COLUMNS];
        float[] q = new float[COLUMNS];
        float[] cut = new float[COLUMNS];
        float[] tried = new float[COLUMNS];
        int[] codes = new int[block];
        int moved = 0;
        for (int r = 0; r < ROWS; r += 9) {
            weights.row(r, w);
            found.decodeRow(r, q);
            for (int at = 0; at < COLUMNS; at += block) {
                double least = Double.POSITIVE_INFINITY;
                double uncut = 0;
                for (int step = 0; step < 10; step++) {
                    float largest = 0;
                    for (int i = at; i < at + block; i++) {
                        largest = Math.max(largest, Math.abs(w[i]));
                    }
                    double limit = largest * (1 - step / 20.0);
                    for (int i = at; i < at + block; i++) {
                        cut[i] = (float) Math.max(-limit, Math.min(limit, w[i]));
                    }
                    var grid = format.fit(cut, at, block);
                    grid.nearest(w, at, block, codes);
                    grid.values(codes, block, tried, at);
                    double error = error(w, tried, at, block);
                    uncut = step == 0 ? error : uncut;
                    least = Math.min(least, error);
                }
                double here = error(w, q, at, block);
                assertEquals(least, here, 1e-4 * least, "row " + r + " at " + at);
                moved += here < 0.99 * uncut ? 1 : 0;
            }
        }
        assertTrue(moved > 0, "some blocks are cut");
    }

    @Test
    void rowRangesChangeNothing() {
        SolveStats stats = new SolveStats();
        PackedMatrix whole = solve(new ClipSearch(), "int3:g64", inputs, stats);
        PackedMatrix parts = PackedMatrix.allocate(whole.format(), ROWS, COLUMNS, Arena.ofAuto());
        Solver.RowSolver rows = new ClipSearch().prepare(weights, inputs, parts);
        SolveStats merged = new SolveStats();
        for (int[] range : new int[][] {{66, ROWS}, {0, 1}, {1, 66}}) {
            rows.solve(range[0], range[1], merged);
        }
        assertArrayEquals(whole.bytes().toArray(JAVA_BYTE), parts.bytes().toArray(JAVA_BYTE));
        assertEquals(stats.weights, merged.weights);
        assertEquals(weights.size(), stats.weights);
        float[] q = new float[COLUMNS];
        float[] w = new float[COLUMNS];
        double squared = 0;
        for (int r = 0; r < ROWS; r++) {
            whole.decodeRow(r, q);
            weights.row(r, w);
            for (int i = 0; i < COLUMNS; i++) {
                squared += (q[i] - w[i]) * (q[i] - w[i]);
            }
        }
        assertEquals(squared, stats.squaredError, 1e-5 * squared);
    }

    @Test
    void withoutSecondMomentsOrBlocksItIsRoundingToNearest() {
        for (String format : new String[] {"int3:g64", "ternary:tensor"}) {
            InputStatistics known = format.startsWith("int") ? InputStatistics.of(inputs.meanSquares()) : inputs;
            assertArrayEquals(
                    solve(Solvers.RTN, format, known, new SolveStats()).bytes().toArray(JAVA_BYTE),
                    solve(new ClipSearch(), format, known, new SolveStats())
                            .bytes()
                            .toArray(JAVA_BYTE));
        }
    }

    @Test
    void weightsThatAreNotFiniteBecomeZeroAndAreCounted() {
        weights.data().setAtIndex(JAVA_FLOAT, 70, Float.NaN);
        SolveStats stats = new SolveStats();
        float[] row = new float[COLUMNS];
        solve(new ClipSearch(), "int4:g32", inputs, stats).decodeRow(0, row);
        for (float value : row) {
            assertTrue(Float.isFinite(value));
        }
        assertEquals(1, stats.nonfinite);
    }
}
