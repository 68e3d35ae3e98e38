package org.bitscarp.quant;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The weighted squared error of one block on evenly spaced grids, evaluated many times with different parameters. Sums
 * are fp32 in eight lanes (weight i in lane i mod 8) that are added up in double, so the fast path and the
 * specification beside it agree to the last bit.
 */
final class BlockError {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    private static final int LANES = Lanes.COUNT;
    /** See {@link IntGrid}. */
    private static final float ROUND = 0x1.8p23f;

    /** Weights and importance, padded to whole vectors with zeros. */
    private final float[] w;

    private final float[] h;
    private final int maxCode;
    private double sum;
    private double sumW;
    private double sumQ;
    private double sumQQ;
    private double sumWQ;
    private final float[] lanes = new float[LANES];

    /**
     * @param unit power of two that the weights are multiplied by
     * @param importance as in {@link BlockFormat#search}; scaled to at most 1, all 1 when null or all zero
     */
    BlockError(float[] w, int from, int length, float unit, float[] importance, int importanceFrom, int maxCode) {
        int padded = Math.ceilDiv(length, LANES) * LANES;
        this.w = new float[padded];
        this.h = new float[padded];
        this.maxCode = maxCode;
        for (int i = 0; i < length; i++) {
            this.w[i] = w[from + i] * unit;
        }
        float largest = 0;
        if (importance != null) {
            for (int i = 0; i < length; i++) {
                largest = Math.max(largest, importance[importanceFrom + i]);
            }
        }
        for (int i = 0; i < length; i++) {
            this.h[i] = largest > 0 ? importance[importanceFrom + i] / largest : 1;
            sum += this.h[i];
            sumW += (double) this.h[i] * this.w[i];
        }
    }

    /** Σ importance × (w − scale × q)², q = clamp(round(w / scale), −zero, maxCode − zero). */
    double error(float scale, int zero) {
        return Lanes.FAST ? errorFast(scale, zero) : errorScalar(scale, zero);
    }

    double errorScalar(float scale, int zero) {
        float inverse = 1 / scale;
        float[] sums = new float[LANES];
        for (int i = 0; i < w.length; i++) {
            float q = code(w[i] * inverse, zero);
            float difference = w[i] - scale * q;
            sums[i % LANES] += h[i] * difference * difference;
        }
        return total(sums);
    }

    private double errorFast(float scale, int zero) {
        float inverse = 1 / scale;
        FloatVector low = FloatVector.broadcast(FLOATS, -zero);
        FloatVector high = FloatVector.broadcast(FLOATS, maxCode - zero);
        FloatVector sums = FloatVector.zero(FLOATS);
        for (int i = 0; i < w.length; i += LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, w, i);
            FloatVector q = x.mul(inverse).min(high).max(low).add(ROUND).sub(ROUND);
            FloatVector difference = x.sub(q.mul(scale));
            sums = sums.add(FloatVector.fromArray(FLOATS, h, i).mul(difference).mul(difference));
        }
        sums.intoArray(lanes, 0);
        return total(lanes);
    }

    /** Takes the sums that least squares needs for the nearest codes of a grid; q as in {@link #error}. */
    void moments(float scale, int zero) {
        if (!Lanes.FAST) {
            momentsScalar(scale, zero);
            return;
        }
        float inverse = 1 / scale;
        FloatVector low = FloatVector.broadcast(FLOATS, -zero);
        FloatVector high = FloatVector.broadcast(FLOATS, maxCode - zero);
        FloatVector q1 = FloatVector.zero(FLOATS);
        FloatVector q2 = q1;
        FloatVector wq = q1;
        for (int i = 0; i < w.length; i += LANES) {
            FloatVector x = FloatVector.fromArray(FLOATS, w, i);
            FloatVector q = x.mul(inverse).min(high).max(low).add(ROUND).sub(ROUND);
            FloatVector hq = FloatVector.fromArray(FLOATS, h, i).mul(q);
            q1 = q1.add(hq);
            q2 = q2.add(hq.mul(q));
            wq = wq.add(hq.mul(x));
        }
        q1.intoArray(lanes, 0);
        sumQ = total(lanes);
        q2.intoArray(lanes, 0);
        sumQQ = total(lanes);
        wq.intoArray(lanes, 0);
        sumWQ = total(lanes);
    }

    void momentsScalar(float scale, int zero) {
        float inverse = 1 / scale;
        float[] q1 = new float[LANES];
        float[] q2 = new float[LANES];
        float[] wq = new float[LANES];
        for (int i = 0; i < w.length; i++) {
            float q = code(w[i] * inverse, zero);
            float hq = h[i] * q;
            q1[i % LANES] += hq;
            q2[i % LANES] += hq * q;
            wq[i % LANES] += hq * w[i];
        }
        sumQ = total(q1);
        sumQQ = total(q2);
        sumWQ = total(wq);
    }

    private float code(float steps, int zero) {
        return Math.max(-zero, Math.min(maxCode - zero, steps)) + ROUND - ROUND;
    }

    private static double total(float[] sums) {
        double total = 0;
        for (float lane : sums) {
            total += lane;
        }
        return total;
    }

    /** Σ importance. */
    double importance() {
        return sum;
    }

    /** Σ importance × w. */
    double weighted() {
        return sumW;
    }

    /** Σ importance × q. */
    double codes() {
        return sumQ;
    }

    /** Σ importance × q². */
    double codesSquared() {
        return sumQQ;
    }

    /** Σ importance × w × q. */
    double weightedCodes() {
        return sumWQ;
    }
}
