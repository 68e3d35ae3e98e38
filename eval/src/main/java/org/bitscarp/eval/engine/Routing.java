package org.bitscarp.eval.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.bitscarp.model.MlpSpec;

/** Which rows go to which expert, with what weight. Arithmetic in double on the host. */
final class Routing {
    private final int[][] rows;
    private final float[][] weights;
    private final int[] count;

    private Routing(int experts, int rows) {
        this.rows = new int[experts][rows];
        weights = new float[experts][rows];
        count = new int[experts];
    }

    /**
     * Softmax over all experts, of which the {@code expertsPerToken} greatest count; the first of equal ones. With {@link
     * MlpSpec#normalizedWeights} the weights of a token's experts sum to 1. A NaN among the logits of a row makes all of
     * its weights NaN.
     *
     * @param logits [rows, experts], row after row
     */
    static Routing of(MemorySegment logits, int rows, MlpSpec mlp) {
        Routing routing = new Routing(mlp.experts(), rows);
        float[] z = new float[mlp.experts()];
        double[] p = new double[mlp.experts()];
        int[] chosen = new int[mlp.expertsPerToken()];
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(logits, ValueLayout.JAVA_FLOAT, 4L * row * z.length, z, 0, z.length);
            softmax(z, p);
            choose(z, chosen);
            double divisor = mlp.normalizedWeights()
                    ? Arrays.stream(chosen).mapToDouble(e -> p[e]).sum()
                    : 1;
            for (int expert : chosen) {
                routing.send(row, expert, (float) (p[expert] / divisor));
            }
        }
        return routing;
    }

    private static void softmax(float[] z, double[] p) {
        double max = Double.NEGATIVE_INFINITY;
        for (float value : z) {
            max = Math.max(max, value);
        }
        double sum = 0;
        for (int e = 0; e < z.length; e++) {
            p[e] = Math.exp(z[e] - max);
            sum += p[e];
        }
        for (int e = 0; e < z.length; e++) {
            p[e] /= sum;
        }
    }

    /** Indices of the greatest values, greatest first; always that many different ones, whatever is NaN. */
    private static void choose(float[] z, int[] chosen) {
        boolean[] taken = new boolean[z.length];
        for (int i = 0; i < chosen.length; i++) {
            int best = -1;
            for (int e = 0; e < z.length; e++) {
                if (!taken[e] && (best < 0 || z[e] > z[best])) {
                    best = e;
                }
            }
            taken[best] = true;
            chosen[i] = best;
        }
    }

    private void send(int row, int expert, float weight) {
        rows[expert][count[expert]] = row;
        weights[expert][count[expert]++] = weight;
    }

    /** Rows of an expert, ascending. */
    int[] rows(int expert) {
        return Arrays.copyOf(rows[expert], count[expert]);
    }

    /** Weights of an expert's output for each of {@link #rows}. */
    float[] weights(int expert) {
        return Arrays.copyOf(weights[expert], count[expert]);
    }
}
