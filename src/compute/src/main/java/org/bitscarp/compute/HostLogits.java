package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.util.function.Supplier;
import org.bitscarp.compute.internal.HostTensor;
import org.bitscarp.compute.internal.VectorOps;

/** Statistics of slices of logits in host memory; {@link ScalarBackend} is their specification. */
final class HostLogits {
    private HostLogits() {}

    static void scoreReference(
            HostTensor logits, int firstToken, int[] targets, Scores scores, HostTensor exponentials) {
        for (int row = 0; row < logits.rows(); row++) {
            int r = row;
            takeSlice(
                    logits,
                    row,
                    firstToken,
                    targets[row],
                    scores,
                    () -> VectorOps.exponentials(
                            logits.data(),
                            at(logits, r),
                            1,
                            scores.max[r],
                            exponentials.data(),
                            at(logits, r),
                            logits.columns()));
        }
    }

    static void scoreAgainst(
            HostTensor referenceLogits,
            HostTensor exponentials,
            Scores reference,
            HostTensor logits,
            int firstToken,
            int[] targets,
            Scores scores) {
        for (int row = 0; row < logits.rows(); row++) {
            int r = row;
            takeSlice(
                    logits,
                    row,
                    firstToken,
                    targets[row],
                    scores,
                    () -> VectorOps.sumOfExponentials(logits.data(), at(logits, r), scores.max[r], logits.columns()));
            double cross = VectorOps.weightedDifference(
                    exponentials.data(), referenceLogits.data(), logits.data(), at(logits, row), logits.columns());
            scores.cross[row] = scores.cross[row] * reference.rescale[row] + cross;
        }
    }

    static void keepTop(HostTensor z, int firstToken, TopTokens top) {
        for (int row = 0; row < z.rows(); row++) {
            // Few logits exceed what is kept once some slices have gone by, so most of the work is this search.
            int at = VectorOps.nextAbove(z.data(), at(z, row), 0, z.columns(), top.least(row));
            while (at < z.columns()) {
                top.offer(row, z.data().getAtIndex(JAVA_FLOAT, at(z, row) + at), firstToken + at);
                at = VectorOps.nextAbove(z.data(), at(z, row), at + 1, z.columns(), top.least(row));
            }
        }
    }

    /** As in {@link ScalarBackend}; {@code sum} gives Σ exp(z − max) of the slice once the maximum is known. */
    private static void takeSlice(
            HostTensor logits, int row, int firstToken, int target, Scores scores, Supplier<Double> sum) {
        float old = scores.max[row];
        float max = VectorOps.max(logits.data(), at(logits, row), logits.columns());
        if (max > old) {
            scores.max[row] = max;
            scores.argmax[row] = firstToken + VectorOps.indexOf(logits.data(), at(logits, row), logits.columns(), max);
        }
        if (target >= firstToken && target < firstToken + logits.columns()) {
            scores.target[row] = logits.data().getAtIndex(JAVA_FLOAT, at(logits, row) + target - firstToken);
        }
        scores.rescale[row] = old == scores.max[row] ? 1 : Math.exp((double) old - scores.max[row]);
        scores.sum[row] = scores.sum[row] * scores.rescale[row] + sum.get();
    }

    private static long at(HostTensor t, int row) {
        return (long) row * t.columns();
    }
}
