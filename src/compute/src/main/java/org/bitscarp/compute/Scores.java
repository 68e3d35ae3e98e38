package org.bitscarp.compute;

/**
 * Running log-softmax statistics of some rows of logits. The vocabulary goes by in slices, so that the full matrix of
 * tokens × vocabulary never exists.
 *
 * <p>Of each row it keeps: the greatest logit m so far and its token, Σ exp(z − m), the target's logit, and against a
 * reference r the cross term Σ exp(z_r − m_r)·(z_r − z), from which KL(r ‖ this) follows when the last slice is through.
 */
public final class Scores {
    /** Greatest logit so far. */
    final float[] max;
    /** Token that it belongs to; the first of equals. */
    final int[] argmax;
    /** Σ exp(z − max). */
    final double[] sum;
    /** Logit of the target token. */
    final double[] target;
    /** Σ exp(z_r − max_r)·(z_r − z) with the reference's current maximum. */
    final double[] cross;
    /** By what the last slice scaled {@link #sum} when the maximum rose; cross terms against this row follow. */
    final double[] rescale;
    /** By what a device's sums of the last slice were scaled in {@link #addSlice}; its cross terms follow. */
    private final double[] sliceScale;

    public Scores(int rows) {
        max = new float[rows];
        argmax = new int[rows];
        sum = new double[rows];
        target = new double[rows];
        cross = new double[rows];
        rescale = new double[rows];
        sliceScale = new double[rows];
        reset();
    }

    public int rows() {
        return max.length;
    }

    /** Forgets everything, for the next rows. */
    public void reset() {
        java.util.Arrays.fill(max, Float.NEGATIVE_INFINITY);
        java.util.Arrays.fill(argmax, -1);
        java.util.Arrays.fill(sum, 0);
        java.util.Arrays.fill(target, Double.NaN);
        java.util.Arrays.fill(cross, 0);
        java.util.Arrays.fill(rescale, 1);
    }

    /**
     * Takes in a slice of a row that was summed elsewhere, on a device.
     *
     * @param sliceMax greatest logit m of the slice that is not NaN, −∞ where there is none
     * @param token that it belongs to; the first of equals
     * @param sliceSum Σ exp(z − m) over the slice
     */
    public void addSlice(int row, float sliceMax, int token, double sliceSum) {
        float old = max[row];
        if (sliceMax > old) {
            max[row] = sliceMax;
            argmax[row] = token;
        }
        rescale[row] = old == max[row] ? 1 : Math.exp((double) old - max[row]);
        sliceScale[row] = sliceMax == max[row] ? 1 : Math.exp((double) sliceMax - max[row]);
        sum[row] = sum[row] * rescale[row] + sliceSum * sliceScale[row];
    }

    /** Takes in the logit of a row's target token. */
    public void setTarget(int row, float logit) {
        target[row] = logit;
    }

    /**
     * Takes in the cross term of the slice that the reference took in last.
     *
     * @param sliceCross Σ exp(z_r − m_r)·(z_r − z) with the greatest logit m_r of the reference's slice
     */
    public void addCross(int row, Scores reference, double sliceCross) {
        cross[row] = cross[row] * reference.rescale[row] + sliceCross * reference.sliceScale[row];
    }

    /** log Σ exp(z) of a row. */
    public double logSumExp(int row) {
        return max[row] + Math.log(sum[row]);
    }

    /** −log p(target) of a row, in nats; NaN where a logit was NaN or the target never came by. */
    public double negativeLogLikelihood(int row) {
        return logSumExp(row) - target[row];
    }

    /** Probability of the most likely token of a row; NaN where a logit was NaN. */
    public double confidence(int row) {
        return 1 / sum[row];
    }

    /** The most likely token of a row. */
    public int top1(int row) {
        return argmax[row];
    }

    /**
     * KL(reference ‖ this) of a row in nats: Σ p_r·(z_r − z) − lse_r + lse. Exactly 0 for identical logits; rounding may
     * leave it a little below 0 for nearly identical ones, and it is not cut off there: a mean of values that may only be
     * wrong upwards would be too large.
     */
    public double klDivergence(Scores reference, int row) {
        return cross[row] / reference.sum[row] - (reference.logSumExp(row) - logSumExp(row));
    }
}
