package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;

/**
 * Weights and correlated inputs from a generator that the numpy script behind {@code algorithm1.txt} has too (Knuth's
 * MMIX constants).
 */
public record Problem(DenseMatrix weights, InputStatistics inputs) {
    public static Problem of(int rows, int n, long seed) {
        double[] w = uniform(seed, rows * n);
        int samples = 3 * n / 2;
        double[] x = uniform(seed + 1, samples * n);
        double[] common = uniform(seed + 2, samples);
        MemorySegment weights = Arena.ofAuto().allocate(4L * rows * n, 64);
        for (int i = 0; i < w.length; i++) {
            weights.setAtIndex(JAVA_FLOAT, i, (float) (w[i] * (i % n % 7 == 3 ? 3 : 1)));
        }
        for (int s = 0; s < samples; s++) {
            for (int i = 0; i < n; i++) {
                x[s * n + i] = (float) ((x[s * n + i] + common[s]) * (1 + i % 5));
            }
        }
        float[] meanSquares = new float[n];
        MemorySegment h = Arena.ofAuto().allocate(4L * n * n, 64);
        double[] sums = new double[n * n];
        for (int s = 0; s < samples; s++) {
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    sums[i * n + j] += x[s * n + i] * x[s * n + j];
                }
            }
        }
        for (int i = 0; i < n * n; i++) {
            h.setAtIndex(JAVA_FLOAT, i, (float) (sums[i] / samples));
        }
        for (int i = 0; i < n; i++) {
            meanSquares[i] = (float) (sums[i * n + i] / samples);
        }
        return new Problem(
                new DenseMatrix(weights, rows, n),
                new InputStatistics(meanSquares, new Hessian(new DenseMatrix(h, n, n), Arena.ofAuto())));
    }

    private static double[] uniform(long seed, int count) {
        double[] values = new double[count];
        long state = seed;
        for (int i = 0; i < count; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            values[i] = (state >>> 40) / (double) (1 << 24) - 0.5;
        }
        return values;
    }

    PackedMatrix solve(String level, SolveStats stats) {
        Level parsed = Level.parse(level);
        PackedMatrix packed = PackedMatrix.allocate(parsed.format(), weights.rows(), weights.columns(), Arena.ofAuto());
        parsed.solver().prepare(weights, inputs, packed).solve(0, weights.rows(), stats);
        return packed;
    }

    /** Σ over rows of (w − q)·H·(w − q)ᵀ: what the solvers make small. */
    double outputError(PackedMatrix packed) {
        int n = weights.columns();
        float[] w = new float[n];
        float[] q = new float[n];
        double error = 0;
        for (int r = 0; r < weights.rows(); r++) {
            weights.row(r, w);
            packed.decodeRow(r, q);
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    double h = inputs.hessian().values().data().getAtIndex(JAVA_FLOAT, (long) i * n + j);
                    error += ((double) w[i] - q[i]) * h * ((double) w[j] - q[j]);
                }
            }
        }
        return error;
    }
}
