package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GridRefitTest {
    private static PackedMatrix solve(Problem problem, BlockFormat format, double damping, int refits) {
        int rows = problem.weights().rows();
        PackedMatrix packed =
                PackedMatrix.allocate(format, rows, problem.weights().columns(), Arena.ofAuto());
        new GptqSolver("test", new GptqOptions(damping, true, 3, refits, false, false, 0))
                .prepare(problem.weights(), problem.inputs(), packed)
                .solve(0, rows, new SolveStats());
        return packed;
    }

    /**
     * The error is that of the decoded bytes, so levels and offsets which are not those of the format would show. What a round
     * adds by fp32 rounding of the gradient is a part in 100,000.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "int4:g64",
                "int3:sym",
                "int2:row",
                "int3:g48",
                "nf4",
                "ternary",
                "q2_k",
                "q3_k",
                "q4_k",
                "q5_k",
                "q6_k",
                "q4_0",
                "q5_0",
                "q8_0",
                "q2_0",
                "q4_1",
                "q5_1",
                "iq4_nl",
                "iq4_xs",
                "tq1_0",
                "tq2_0"
            })
    void everyRoundLowersTheOutputErrorOfTheBytes(String name) {
        BlockFormat format = Level.parse(name).format();
        assertTrue(format.refits());
        Problem problem = Problem.of(6, 256, 21);
        double first = problem.outputError(solve(problem, format, 0, 0));
        double before = first;
        for (int rounds = 1; rounds <= 3; rounds++) {
            double error = problem.outputError(solve(problem, format, 0, rounds));
            assertTrue(error <= before * (1 + 1e-5), name + ", round " + rounds + ": " + before + " then " + error);
            before = error;
        }
        assertTrue(before < first, name + ": " + first + " then " + before);
    }

    @Test
    void formatsWithoutARuleStayAsTheyAre() {
        for (String name : new String[] {"ternary:tensor", "mxfp4", "nvfp4"}) {
            BlockFormat format = Level.parse(name).format();
            assertFalse(format.refits());
            Problem problem = Problem.of(3, 256, 5);
            assertArrayEquals(
                    solve(problem, format, 0.01, 0).bytes().toArray(JAVA_BYTE),
                    solve(problem, format, 0.01, 3).bytes().toArray(JAVA_BYTE));
        }
    }

    /** Rows of zeros have scales of 0, which no move of codes or scales can leave. */
    @ParameterizedTest
    @ValueSource(strings = {"int3:g64", "nf4", "ternary", "q2_k", "q3_k", "q4_0", "q4_1", "iq4_nl", "iq4_xs", "tq2_0"})
    void rowsOfZerosStayZero(String name) {
        Problem problem = Problem.of(2, 256, 4);
        problem.weights().data().fill((byte) 0);
        assertEquals(0, problem.outputError(solve(problem, Level.parse(name).format(), 0.01, 3)));
    }

    /** A channel that hardly ever fires, and one that is a copy of another: both would blow up an undamped inverse. */
    @ParameterizedTest
    @ValueSource(strings = {"int3:g64", "int2:row", "q2_k", "q3_k"})
    void nearlyDeadAndRepeatedChannelsDoNotDisturb(String name) {
        Problem problem = Problem.of(6, 256, 33);
        var h = problem.inputs().hessian().values().data();
        for (int i = 0; i < 256; i++) {
            float scaled = h.getAtIndex(JAVA_FLOAT, 5L * 256 + i) * 1e-12f;
            h.setAtIndex(JAVA_FLOAT, 5L * 256 + i, i == 5 ? scaled * 1e-12f : scaled);
            h.setAtIndex(JAVA_FLOAT, i * 256L + 5, i == 5 ? scaled * 1e-12f : scaled);
        }
        for (int i = 0; i < 256; i++) {
            h.setAtIndex(JAVA_FLOAT, 9L * 256 + i, h.getAtIndex(JAVA_FLOAT, 8L * 256 + i));
        }
        for (int i = 0; i < 256; i++) {
            h.setAtIndex(JAVA_FLOAT, i * 256L + 9, h.getAtIndex(JAVA_FLOAT, i * 256L + 8));
        }
        double nearest = problem.outputError(problem.solve(name + ":search", new SolveStats()));
        double best = problem.outputError(problem.solve(name + ":gptq", new SolveStats()));
        assertTrue(best < 0.9 * nearest, name + ": search " + nearest + ", gptq " + best);
        float[] row = new float[256];
        problem.solve(name + ":gptq", new SolveStats()).decodeRow(0, row);
        assertTrue(Math.abs(row[5]) <= 2, "the nearly dead channel's weight became " + row[5]);
    }
}
