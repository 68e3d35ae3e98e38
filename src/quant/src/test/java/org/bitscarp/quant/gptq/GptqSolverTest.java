package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GptqSolverTest {
    static Stream<String> published() throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                GptqSolverTest.class.getResourceAsStream("algorithm1.txt"), StandardCharsets.UTF_8))) {
            List<String> lines = in.lines().toList();
            assertTrue(lines.getFirst().contains("numpy"));
            return lines.stream().filter(line -> !line.startsWith("#"));
        }
    }

    /**
     * Codes of algorithm 1, done in one piece in float64. A weight within an fp32 rounding of a boundary may go the other
     * way and take its row's later columns with it, so few rows may differ, and then the error must not.
     */
    @ParameterizedTest
    @MethodSource("published")
    void thePublishedAlgorithm(String line) {
        String[] words = line.split(" ");
        int rows = Integer.parseInt(words[0]);
        int columns = Integer.parseInt(words[1]);
        String level = "int" + words[2]
                + (words[3].equals("0") ? ":row" : ":g" + words[3])
                + (words[4].equals("1") ? ":sym" : "")
                + (words[5].equals("1") ? ":gptq-actorder" : ":gptq-published");
        Problem problem = Problem.of(rows, columns, Long.parseLong(words[6]));
        PackedMatrix packed = problem.solve(level, new SolveStats());
        GroupedInt format = (GroupedInt) packed.format();
        int same = 0;
        for (int r = 0; r < rows; r++) {
            same += codes(packed, format, r).equals(words[7 + r]) ? 1 : 0;
        }
        assertTrue(same >= rows - 1, level + ": " + same + " of " + rows + " rows");
    }

    /** Code by code, as hexadecimal digits: the decoded value over the scale, which a block begins with. */
    private static String codes(PackedMatrix packed, GroupedInt format, int row) {
        StringBuilder codes = new StringBuilder();
        int columns = packed.columns();
        int full = format.blockLength(columns);
        long offset = row * format.rowBytes(columns);
        for (int at = 0; at < columns; at += full) {
            int length = Math.min(full, columns - at);
            long first = 8 * (offset + (format.symmetric() ? 2 : 3));
            for (int i = 0; i < length; i++) {
                int code = 0;
                for (int b = 0; b < format.bits(); b++) {
                    long bit = first + (long) i * format.bits() + b;
                    code |= (packed.bytes().get(JAVA_BYTE, bit / 8) >> (bit % 8) & 1) << b;
                }
                codes.append(Integer.toHexString(code));
            }
            offset += format.blockBytes(length);
        }
        return codes.toString();
    }

    /** Every format of fewer than eight bits makes less of an output error with feedback than without, and least refined. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "int4",
                "int3:g64:sym",
                "int2:row",
                "int3:g48",
                "nf4",
                "ternary",
                "ternary:tensor",
                "q2_k",
                "q3_k",
                "q4_k",
                "q5_k",
                "q6_k",
                "q4_0",
                "q4_1",
                "q5_0",
                "q5_1",
                "iq4_nl",
                "iq4_xs",
                "tq1_0",
                "tq2_0",
                "mxfp4",
                "nvfp4",
                "q1_0",
                "q2_0"
            })
    void feedbackLowersTheOutputError(String format) {
        Problem problem = Problem.of(9, 256, 42);
        double nearest = problem.outputError(problem.solve(format + ":search", new SolveStats()));
        double published = problem.outputError(problem.solve(format + ":gptq-published", new SolveStats()));
        double best = problem.outputError(problem.solve(format + ":gptq", new SolveStats()));
        assertTrue(best < 0.9 * nearest, format + ": search " + nearest + ", gptq " + best);
        assertTrue(best < published, format + ": published " + published + ", gptq " + best);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"int3:g64:gptq", "q3_k:gptq", "int2:row:gptq-published", "int4:gptq-actorder", "iq4_nl:gptq"})
    void bytesDoNotDependOnRowRanges(String level) {
        Problem problem = Problem.of(41, 256, 7);
        SolveStats stats = new SolveStats();
        PackedMatrix whole = problem.solve(level, stats);
        Level parsed = Level.parse(level);
        PackedMatrix parts = PackedMatrix.allocate(parsed.format(), 41, 256, Arena.ofAuto());
        Solver.RowSolver rows = parsed.solver().prepare(problem.weights(), problem.inputs(), parts);
        SolveStats merged = new SolveStats();
        for (int[] range : new int[][] {{17, 41}, {0, 1}, {3, 3}, {1, 17}}) {
            rows.solve(range[0], range[1], merged);
        }
        assertArrayEquals(whole.bytes().toArray(JAVA_BYTE), parts.bytes().toArray(JAVA_BYTE));
        assertEquals(stats.squaredError, merged.squaredError, 1e-12 * stats.squaredError);
        assertEquals(41L * 256, merged.weights);
    }

    /** Each move lowers the error under the damped Hessian, so more passes never make it greater. */
    @Test
    void refinementNeverMakesItWorse() {
        Problem problem = Problem.of(5, 192, 3);
        double before = Double.MAX_VALUE;
        for (int passes = 0; passes < 6; passes++) {
            PackedMatrix packed = PackedMatrix.allocate(Level.parse("int3:g64").format(), 5, 192, Arena.ofAuto());
            new GptqSolver("test", new GptqOptions(0, true, passes, 0, false, false, 0))
                    .prepare(problem.weights(), problem.inputs(), packed)
                    .solve(0, 5, new SolveStats());
            double error = problem.outputError(packed);
            assertTrue(error <= before * (1 + 1e-5), "pass " + passes + ": " + before + " then " + error);
            before = error;
        }
    }

    @Test
    void deadChannelsAndRaisedDampingAreCountedOnce() {
        Problem problem = Problem.of(20, 64, 9);
        var h = problem.inputs().hessian().values().data();
        for (int i = 0; i < 64; i++) {
            h.setAtIndex(JAVA_FLOAT, 5L * 64 + i, 0);
            h.setAtIndex(JAVA_FLOAT, i * 64L + 5, 0);
        }
        SolveStats stats = new SolveStats();
        problem.solve("int4:g32:gptq", stats);
        assertEquals(1, stats.fallbacks);
    }

    @Test
    void weightsThatAreNotFiniteBecomeZeroAndAreCounted() {
        Problem problem = Problem.of(3, 64, 9);
        problem.weights().data().setAtIndex(JAVA_FLOAT, 70, Float.NaN);
        SolveStats stats = new SolveStats();
        PackedMatrix packed = problem.solve("int4:g32:gptq", stats);
        float[] row = new float[64];
        packed.decodeRow(1, row);
        for (float value : row) {
            assertTrue(Float.isFinite(value));
        }
        assertEquals(1, stats.nonfinite);
    }

    @Test
    void withoutAHessianThereIsNothingToFeedBack() {
        Level level = Level.parse("int4:gptq");
        PackedMatrix packed = PackedMatrix.allocate(level.format(), 2, 128, Arena.ofAuto());
        var weights = Weights.GAUSSIAN.matrix(2, 128, 1);
        assertThrows(IllegalArgumentException.class, () -> level.solver().prepare(weights, null, packed));
        assertThrows(
                IllegalArgumentException.class,
                () -> level.solver().prepare(weights, InputStatistics.of(new float[128]), packed));
    }
}
