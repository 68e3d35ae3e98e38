package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mistakes that implementations of GPTQ are known for. */
class GptqPitfallsTest {
    private static Problem problem(float[] weights, float[][] inputs) {
        int n = inputs[0].length;
        MemorySegment h = Arena.ofAuto().allocate(4L * n * n, 64);
        float[] meanSquares = new float[n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (float[] x : inputs) {
                    sum += (double) x[i] * x[j];
                }
                h.setAtIndex(JAVA_FLOAT, (long) i * n + j, (float) (sum / inputs.length));
            }
            meanSquares[i] = h.getAtIndex(JAVA_FLOAT, (long) i * n + i);
        }
        MemorySegment w = Arena.ofAuto().allocate(4L * weights.length, 64);
        MemorySegment.copy(weights, 0, w, JAVA_FLOAT, 0, weights.length);
        return new Problem(
                new DenseMatrix(w, weights.length / n, n),
                new InputStatistics(meanSquares, new Hessian(new DenseMatrix(h, n, n), Arena.ofAuto())));
    }

    private static float[] gaussian(SplittableRandom random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /**
     * Stale scales: a group inside a batch of 128 columns has to be fitted to weights that have seen the errors of the
     * batch's earlier columns. Here its weights are all zero before and not after, since each of its inputs is nearly the
     * same as one in the first group; a scale fitted before would be that of a group of zeros.
     */
    @ParameterizedTest
    @ValueSource(strings = {"int2:g32:gptq-published", "int2:g32:gptq", "q4_0:gptq-published", "tq2_0:gptq"})
    void scalesAreFittedToUpdatedWeights(String level) {
        int group = level.startsWith("tq2") ? 256 : 32;
        SplittableRandom random = new SplittableRandom(11);
        float[][] inputs = new float[4 * group][2 * group];
        for (float[] x : inputs) {
            float[] common = gaussian(random, group);
            for (int i = 0; i < group; i++) {
                x[i] = common[i];
                x[group + i] = common[i] + 0.1f * (float) random.nextGaussian();
            }
        }
        float[] weights = new float[2 * group];
        System.arraycopy(gaussian(random, group), 0, weights, 0, group);
        Problem problem = problem(weights, inputs);
        PackedMatrix packed = problem.solve(level, new SolveStats());
        float[] row = new float[2 * group];
        packed.decodeRow(0, row);
        int moved = 0;
        for (int i = group; i < 2 * group; i++) {
            moved += row[i] == 0 ? 0 : 1;
        }
        assertTrue(moved >= group / 4, "only " + moved + " of " + group + " weights make up for the first group");
        double feedback = problem.outputError(packed);
        double nearest = problem.outputError(problem.solve(level.replaceAll(":gptq.*", ""), new SolveStats()));
        assertTrue(feedback < 0.7 * nearest, feedback + " against " + nearest);
    }

    /**
     * The same at every border: only the last input of the first group repeats itself in the last of the second, so a grid
     * that was fitted before that one error arrived knows of zeros only.
     */
    @ParameterizedTest
    @ValueSource(ints = {5, 12, 16, 20, 24, 56, 100})
    void aGroupWaitsForTheLastErrorBeforeIt(int group) {
        SplittableRandom random = new SplittableRandom(group);
        int n = 2 * group;
        float[][] inputs = new float[8 * n][];
        for (int s = 0; s < inputs.length; s++) {
            inputs[s] = gaussian(random, n);
            inputs[s][n - 1] = inputs[s][group - 1] + 0.1f * inputs[s][n - 1];
        }
        float[] weights = new float[n];
        Arrays.fill(weights, 0, group, 1);
        weights[group - 1] = 0.45f;
        float[] row = new float[n];
        problem(weights, inputs)
                .solve("int2:g" + group + ":gptq-published", new SolveStats())
                .decodeRow(0, row);
        float error = weights[group - 1] - row[group - 1];
        assertTrue(Math.abs(error) > 0.1, "the last weight of the first group is off by " + error);
        assertTrue(Math.abs(row[n - 1] - error) < 0.2 * Math.abs(error), row[n - 1] + " makes up for " + error);
    }

    /** An expert with fewer tokens than channels: H has no full rank, damping decides, and nothing runs away. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void fewSamplesDoNotMakeWeightsRunAway(int samples) {
        SplittableRandom random = new SplittableRandom(samples);
        float[][] inputs = new float[samples][];
        for (int s = 0; s < samples; s++) {
            inputs[s] = gaussian(random, 64);
        }
        Problem problem = problem(gaussian(random, 8 * 64), inputs);
        for (String solver : new String[] {"gptq", "gptq-published", "gptq-actorder"}) {
            SolveStats stats = new SolveStats();
            SolveStats nearest = new SolveStats();
            PackedMatrix packed = problem.solve("int3:g32:" + solver, stats);
            PackedMatrix rounded = problem.solve("int3:g32", nearest);
            assertTrue(problem.outputError(packed) < problem.outputError(rounded), solver);
            assertTrue(stats.relativeError() < 3 * nearest.relativeError(), solver + " " + stats.relativeError());
        }
    }

    /** Only the ratio of damping to the mean of H counts, so H may be a sum, or a mean over any number of tokens. */
    @Test
    void theScaleOfTheHessianDoesNotMatter() {
        SplittableRandom random = new SplittableRandom(3);
        float[][] inputs = new float[200][];
        float[][] larger = new float[200][64];
        for (int s = 0; s < inputs.length; s++) {
            inputs[s] = gaussian(random, 64);
            for (int i = 0; i < 64; i++) {
                larger[s][i] = 1024 * inputs[s][i];
            }
        }
        float[] weights = gaussian(random, 4 * 64);
        for (String solver : new String[] {"gptq", "gptq-published", "gptq-actorder"}) {
            PackedMatrix one = problem(weights, inputs).solve("int3:g32:" + solver, new SolveStats());
            PackedMatrix other = problem(weights, larger).solve("int3:g32:" + solver, new SolveStats());
            assertTrue(one.bytes().mismatch(other.bytes()) < 0, solver);
        }
    }
}
