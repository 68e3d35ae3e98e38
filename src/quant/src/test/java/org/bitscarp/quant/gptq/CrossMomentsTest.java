package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.transform.Scaling;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The asymmetric objective ‖Q·x̂ − W·x‖² against sums over tokens and an elimination, all in double. */
class CrossMomentsTest {
    /** Inputs of the two models, [tokens][n], and weights [rows][n]. */
    private record Pair(double[][] full, double[][] own, double[][] weights) {
        /** Inputs behind quantized maps that are those of full precision, mixed by a matrix, and noise. */
        static Pair of(int tokens, int n, int rows, double mixing, double noise, long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            double[][] mix = gaussian(random, n, n);
            double[][] full = gaussian(random, tokens, n);
            double[][] own = new double[tokens][n];
            for (int t = 0; t < tokens; t++) {
                double common = random.nextGaussian();
                for (int i = 0; i < n; i++) {
                    full[t][i] = (float) ((full[t][i] + common) * (1 + i % 3));
                }
                for (int i = 0; i < n; i++) {
                    double sum = full[t][i] + noise * random.nextGaussian();
                    for (int j = 0; j < n; j++) {
                        sum += mixing / Math.sqrt(n) * mix[i][j] * full[t][j];
                    }
                    own[t][i] = (float) sum;
                }
            }
            return new Pair(full, own, gaussian(random, rows, n));
        }

        private static double[][] gaussian(SplittableRandom random, int rows, int columns) {
            double[][] values = new double[rows][columns];
            for (double[] row : values) {
                for (int i = 0; i < columns; i++) {
                    row[i] = (float) random.nextGaussian();
                }
            }
            return values;
        }

        int n() {
            return own[0].length;
        }

        /** Mean of own·(a·full + b·own)ᵀ. */
        double[][] moments(double a, double b) {
            double[][] mean = new double[n()][n()];
            for (int t = 0; t < own.length; t++) {
                for (int i = 0; i < n(); i++) {
                    for (int j = 0; j < n(); j++) {
                        mean[i][j] += own[t][i] * (a * full[t][j] + b * own[t][j]) / own.length;
                    }
                }
            }
            return mean;
        }

        /** Mean of ‖full − own‖². */
        double lacking() {
            double sum = 0;
            for (int t = 0; t < own.length; t++) {
                for (int i = 0; i < n(); i++) {
                    sum += (full[t][i] - own[t][i]) * (full[t][i] - own[t][i]) / own.length;
                }
            }
            return sum;
        }

        InputStatistics statistics(boolean cross) {
            Hessian hessian = new Hessian(matrix(moments(0, 1)), Arena.ofAuto());
            CrossMoments lacking =
                    cross ? new CrossMoments(matrix(moments(1, -1)), lacking(), own.length, Arena.ofAuto()) : null;
            return new InputStatistics(hessian.meanSquares(), hessian, lacking);
        }

        PackedMatrix solve(String level, InputStatistics inputs, SolveStats stats) {
            Level parsed = Level.parse(level);
            PackedMatrix packed = PackedMatrix.allocate(parsed.format(), weights.length, n(), Arena.ofAuto());
            parsed.solver().prepare(matrix(weights), inputs, packed).solve(0, weights.length, stats);
            return packed;
        }

        /** Mean over tokens of ‖Q·x̂ − W·x‖². */
        double error(PackedMatrix packed) {
            float[] q = new float[n()];
            double error = 0;
            for (int r = 0; r < weights.length; r++) {
                packed.decodeRow(r, q);
                for (int t = 0; t < own.length; t++) {
                    double output = 0;
                    for (int i = 0; i < n(); i++) {
                        output += q[i] * own[t][i] - weights[r][i] * full[t][i];
                    }
                    error += output * output / own.length;
                }
            }
            return error;
        }
    }

    private static DenseMatrix matrix(double[][] values) {
        int columns = values[0].length;
        MemorySegment data = Arena.ofAuto().allocate(4L * values.length * columns, 64);
        for (int r = 0; r < values.length; r++) {
            for (int c = 0; c < columns; c++) {
                data.setAtIndex(JAVA_FLOAT, (long) r * columns + c, (float) values[r][c]);
            }
        }
        return new DenseMatrix(data, values.length, columns);
    }

    /** X with A·X = B, by elimination with row exchanges. */
    private static double[][] solve(double[][] a, double[][] b) {
        int n = a.length;
        for (int k = 0; k < n; k++) {
            int pivot = k;
            for (int i = k + 1; i < n; i++) {
                pivot = Math.abs(a[i][k]) > Math.abs(a[pivot][k]) ? i : pivot;
            }
            double[] row = a[k];
            a[k] = a[pivot];
            a[pivot] = row;
            row = b[k];
            b[k] = b[pivot];
            b[pivot] = row;
            for (int i = 0; i < n; i++) {
                double factor = i == k ? 0 : a[i][k] / a[k][k];
                for (int j = 0; j < n; j++) {
                    a[i][j] -= factor * a[k][j];
                    b[i][j] -= factor * b[k][j];
                }
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                b[i][j] /= a[i][i];
            }
        }
        return b;
    }

    private static void assertMatrix(double[][] expected, DenseMatrix found, double tolerance) {
        double largest = 0;
        double difference = 0;
        for (int i = 0; i < found.rows(); i++) {
            for (int j = 0; j < found.columns(); j++) {
                largest = Math.max(largest, Math.abs(expected[i][j]));
                difference = Math.max(
                        difference,
                        Math.abs(expected[i][j] - found.data().getAtIndex(JAVA_FLOAT, (long) i * found.columns() + j)));
            }
        }
        assertTrue(difference <= tolerance * largest, difference + " of " + largest);
    }

    /** Tokens in two parts and rows in panels add up to the mean over all. */
    @Test
    void sumsAreThoseOfTheTokens() {
        Pair pair = Pair.of(57, 37, 1, 0.3, 0.1, 5);
        int n = pair.n();
        MemorySegment sum = Arena.ofAuto().allocate(4L * n * n, 64);
        for (int[] tokens : new int[][] {{0, 20}, {20, 57}}) {
            int count = tokens[1] - tokens[0];
            double[][] own = new double[count][];
            double[][] surplus = new double[count][n];
            for (int t = 0; t < count; t++) {
                own[t] = pair.own[tokens[0] + t];
                for (int i = 0; i < n; i++) {
                    surplus[t][i] = own[t][i] - pair.full[tokens[0] + t][i];
                }
            }
            for (int first = 0; first < n; first += 16) {
                CrossMoments.add(
                        matrix(own).data(), matrix(surplus).data(), count, n, first, Math.min(16, n - first), sum);
            }
        }
        double[][] expected = pair.moments(57, -57);
        assertMatrix(expected, new DenseMatrix(sum, n, n), 1e-5);
    }

    private static double[][] damped(Pair pair, InverseFactor factor) {
        double[][] damped = pair.moments(0, 1);
        for (int i = 0; i < damped.length; i++) {
            damped[i][i] += factor.lambda();
        }
        return damped;
    }

    /** (adjusted R²) / R² of regressing what inputs lack on them. */
    private static double beyondChance(Pair pair, InverseFactor factor) {
        int n = pair.n();
        double[][] hat = solve(damped(pair, factor), pair.moments(0, 1));
        double[][] fitted = solve(damped(pair, factor), pair.moments(1, -1));
        double[][] cross = pair.moments(1, -1);
        double freedom = 0;
        double explained = 0;
        for (int i = 0; i < n; i++) {
            freedom += hat[i][i];
            for (int j = 0; j < n; j++) {
                explained += cross[i][j] * fitted[i][j];
            }
        }
        double r2 = explained / pair.lacking();
        int tokens = pair.own.length;
        double adjusted = 1 - (1 - r2) * tokens / (tokens - freedom);
        return Math.max(0, adjusted / r2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 37, 200})
    void correctionIsTheClosedForm(int n) {
        double share = 0.7;
        Pair pair = Pair.of(3 * n + 8, n, 1, 0.3, 0.1, 6);
        InverseFactor factor = pair.statistics(true).hessian().factor(0.01);
        double taken = share * beyondChance(pair, factor);
        assertTrue(taken > 0.3 && taken < share, "some of it: " + taken);
        // (H + λI)⁻¹·D is the transpose of Dᵀ·(H + λI)⁻¹.
        double[][] solved = solve(damped(pair, factor), pair.moments(1, -1));
        double[][] expected = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                expected[i][j] = -taken * solved[j][i];
            }
        }
        assertMatrix(expected, pair.statistics(true).cross().negatedCorrection(factor, share), 3e-4);
    }

    private static double size(DenseMatrix matrix) {
        double sum = 0;
        for (long i = 0; i < matrix.size(); i++) {
            sum += Math.pow(matrix.data().getAtIndex(JAVA_FLOAT, i), 2);
        }
        return Math.sqrt(sum);
    }

    /** Full-precision inputs that differ from the others by noise of their own: there is nothing to make up for. */
    @Test
    void chanceIsLeftOut() {
        Pair same = Pair.of(300, 96, 1, 0, 0, 13);
        SplittableRandom random = new SplittableRandom(14);
        for (double[] token : same.full) {
            for (int i = 0; i < token.length; i++) {
                token[i] = (float) (token[i] + 0.3 * random.nextGaussian());
            }
        }
        InputStatistics inputs = same.statistics(true);
        InverseFactor factor = inputs.hessian().factor(0.01);
        CrossMoments trusting = new CrossMoments(inputs.cross().values(), 0, 1_000_000_000, Arena.ofAuto());
        double all = size(trusting.negatedCorrection(factor, 1));
        double taken = size(inputs.cross().negatedCorrection(factor, 1));
        assertTrue(taken < 0.15 * all, taken + " of " + all);
        CrossMoments few = new CrossMoments(inputs.cross().values(), same.lacking(), 40, Arena.ofAuto());
        assertEquals(0, size(few.negatedCorrection(factor, 1)));
    }

    /** Where inputs lack nothing, it is the solver that does not ask. */
    @ParameterizedTest
    @ValueSource(strings = {"int3:g64", "int2:row", "nf4", "ternary:tensor", "nvfp4", "q2_k", "tq2_0", "q4_0"})
    void nothingLackingIsTheSequentialSolver(String format) {
        Pair pair = Pair.of(400, 256, 70, 0, 0, 7);
        SolveStats stats = new SolveStats();
        SolveStats sequential = new SolveStats();
        PackedMatrix found = pair.solve(format + ":gptaq", pair.statistics(true), stats);
        PackedMatrix without = pair.solve(format + ":gptaq", pair.statistics(false), new SolveStats());
        byte[] expected = pair.solve(format + ":gptq-sequential", pair.statistics(true), sequential)
                .bytes()
                .toArray(JAVA_BYTE);
        assertArrayEquals(expected, found.bytes().toArray(JAVA_BYTE));
        assertArrayEquals(expected, without.bytes().toArray(JAVA_BYTE));
        assertEquals(sequential.squaredError, stats.squaredError);
    }

    /**
     * Inputs that are mixed by a regular matrix lack nothing that weights could not make up for, so with bits enough the error
     * almost vanishes, while without asking it stays at that of the mixing.
     */
    @Test
    void whatAMatrixMixesIsMixedBack() {
        Pair pair = Pair.of(600, 64, 20, 0.3, 0, 8);
        double without = pair.error(pair.solve("int8:g32:gptq-sequential", pair.statistics(true), new SolveStats()));
        double with = pair.error(pair.solve("int8:g32:gptaq", pair.statistics(true), new SolveStats()));
        assertTrue(with < 0.01 * without, with + " against " + without);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int3:g64",
                "int2:g64:sym",
                "int4:row",
                "nf4",
                "ternary",
                "ternary:tensor",
                "q2_k",
                "q3_k",
                "q4_k",
                "q6_k",
                "q4_0",
                "q4_1",
                "q5_0",
                "iq4_nl",
                "iq4_xs",
                "tq1_0",
                "tq2_0",
                "mxfp4",
                "nvfp4",
                "q1_0",
                "q2_0"
            })
    void everyFormatComesNearerToTheFullPrecisionModel(String format) {
        Pair pair = Pair.of(700, 256, 12, 0.4, 0.2, 9);
        double without = pair.error(pair.solve(format + ":gptq-sequential", pair.statistics(true), new SolveStats()));
        double with = pair.error(pair.solve(format + ":gptaq", pair.statistics(true), new SolveStats()));
        assertTrue(with < 0.95 * without, format + ": " + with + " against " + without);
    }

    /** Errors that are reported are those of the matrix, not of what codes were chosen for. */
    @Test
    void rowRangesChangeNothingAndErrorsAreThoseOfTheMatrix() {
        Pair pair = Pair.of(400, 96, 41, 0.4, 0.2, 10);
        InputStatistics inputs = pair.statistics(true);
        for (String level : new String[] {"int3:g32:gptaq", "ternary:tensor:gptaq"}) {
            SolveStats stats = new SolveStats();
            PackedMatrix whole = pair.solve(level, inputs, stats);
            Level parsed = Level.parse(level);
            PackedMatrix parts = PackedMatrix.allocate(parsed.format(), 41, 96, Arena.ofAuto());
            Solver.RowSolver rows = parsed.solver().prepare(matrix(pair.weights), inputs, parts);
            for (int[] range : new int[][] {{17, 41}, {0, 1}, {1, 17}}) {
                rows.solve(range[0], range[1], new SolveStats());
            }
            assertArrayEquals(whole.bytes().toArray(JAVA_BYTE), parts.bytes().toArray(JAVA_BYTE));
            float[] q = new float[96];
            double squared = 0;
            for (int r = 0; r < 41; r++) {
                whole.decodeRow(r, q);
                for (int i = 0; i < 96; i++) {
                    squared += (q[i] - pair.weights[r][i]) * (q[i] - pair.weights[r][i]);
                }
            }
            assertEquals(squared, stats.squaredError, 1e-5 * squared);
        }
    }

    @Test
    void anotherBasisIsThatOfTheInputs() {
        Pair pair = Pair.of(100, 24, 1, 0.4, 0.2, 11);
        float[] factors = new float[24];
        double[][] expected = pair.moments(1, -1);
        for (int i = 0; i < 24; i++) {
            factors[i] = 0.5f + i % 4;
        }
        InputStatistics moved = pair.statistics(true).in(new Scaling(factors), Arena.ofAuto());
        double[] applied = new double[24];
        float[] one = new float[24];
        for (int i = 0; i < 24; i++) {
            Arrays.fill(one, 0);
            one[i] = 1;
            new Scaling(factors).apply(one);
            applied[i] = one[i];
        }
        for (int i = 0; i < 24; i++) {
            for (int j = 0; j < 24; j++) {
                expected[i][j] *= applied[i] * applied[j];
            }
        }
        assertMatrix(expected, moved.cross().values(), 1e-6);
    }

    @Test
    void shapesAreChecked() {
        assertTrue(assertThrows(
                        IllegalArgumentException.class,
                        () -> new CrossMoments(matrix(new double[2][3]), 0, 1, Arena.ofAuto()))
                .getMessage()
                .contains("2 × 3"));
        InputStatistics inputs = Pair.of(30, 8, 1, 0, 0, 3).statistics(true);
        InputStatistics mixed = new InputStatistics(new float[16], null, inputs.cross());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> mixed.check(16))
                .getMessage()
                .contains("cross moments of 8"));
    }
}
