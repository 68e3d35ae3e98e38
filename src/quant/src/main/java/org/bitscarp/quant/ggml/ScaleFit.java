package org.bitscarp.quant.ggml;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.bitscarp.quant.Lanes;

/**
 * Scales without minimum, by the reference's weighted searches, in fp32 and in its order of operations, since a sum
 * that rounds otherwise changes codes.
 */
final class ScaleFit {
    /** Groups whose largest magnitude lies below this count as zero (the reference's {@code GROUP_MAX_EPS}). */
    static final float ZERO = 1e-15f;
    /** Passes over a group that change one code after another. */
    static final int PASSES = 5;

    private ScaleFit() {}

    /**
     * {@link #signed(float[], int, int, int, float[], int[])} of all sub-blocks of a block.
     *
     * @param scales gets the scale of each sub-block, as many as there are
     */
    static void signed(float[] x, int length, int half, float[] weights, int[] codes, float[] scales) {
        int sub = 0;
        if (Lanes.FAST) {
            ScaleLanes lanes = new ScaleLanes(length, half);
            for (; sub + Lanes.COUNT <= scales.length; sub += Lanes.COUNT) {
                lanes.signed(x, weights, sub * length, codes, scales, sub);
            }
        }
        for (; sub < scales.length; sub++) {
            scales[sub] = signed(x, sub * length, length, half, weights, codes);
        }
    }

    /** {@link #signedByCode(float[], int, int, int, int[])} of all sub-blocks of a block; arguments as in {@link #signed}. */
    static void signedByCode(float[] x, int length, int half, int[] codes, float[] scales) {
        int sub = 0;
        if (Lanes.FAST) {
            ScaleLanes lanes = new ScaleLanes(length, half);
            for (; sub + Lanes.COUNT <= scales.length; sub += Lanes.COUNT) {
                lanes.signedByCode(x, sub * length, codes, scales, sub);
            }
        }
        for (; sub < scales.length; sub++) {
            scales[sub] = signedByCode(x, sub * length, length, half, codes);
        }
    }

    /**
     * Tries 19 scales around −m / half, m the number of the largest magnitude, each with its least-squares correction
     * ({@code make_qx_quants}).
     *
     * @param half codes run from 0 to 2 × half − 1 and stand for code − half
     * @param weights importance of each weight, at the same places; null for x²
     * @param codes gets the codes of the best candidate at {@code [from, from+length)}; 0 for groups of zeros
     * @return the scale, of either sign
     */
    static float signed(float[] x, int from, int length, int half, float[] weights, int[] codes) {
        float peak = peak(x, from, length);
        if (Math.abs(peak) < ZERO) {
            Arrays.fill(codes, from, from + length, 0);
            return 0;
        }
        float scale = 0;
        float best = 0;
        int[] tried = new int[length];
        for (int trial = -1; trial < 19; trial++) {
            // First the plain scale, then from 0.9 steps fewer to 0.9 more, without the plain one.
            int tenths = trial - 9;
            if (trial >= 0 && tenths == 0) {
                continue;
            }
            float inverse = trial < 0 ? -half / peak : -(half + 0.1f * tenths) / peak;
            float sumXL = 0;
            float sumLL = 0;
            for (int i = 0; i < length; i++) {
                float value = x[from + i];
                int l = AffineGrid.round(inverse * value, -half, half - 1);
                tried[i] = l + half;
                float w = weights == null ? value * value : weights[from + i];
                sumXL += w * value * l;
                sumLL += w * l * l;
            }
            boolean better = trial < 0 || (sumLL > 0 && sumXL * sumXL > best * sumLL);
            if (better) {
                scale = sumLL != 0 ? sumXL / sumLL : 0;
                best = scale * sumXL;
                System.arraycopy(tried, 0, codes, from, length);
            }
        }
        return scale;
    }

    /**
     * Starts from −m / half and changes one code after another to its least-squares choice ({@code make_q3_quants}),
     * weights x². Arguments as in {@link #signed}.
     */
    static float signedByCode(float[] x, int from, int length, int half, int[] codes) {
        float peak = peak(x, from, length);
        if (Math.abs(peak) < ZERO) {
            Arrays.fill(codes, from, from + length, 0);
            return 0;
        }
        float inverse = -half / peak;
        int[] l = new int[length];
        float sumXL = 0;
        float sumLL = 0;
        for (int i = 0; i < length; i++) {
            float value = x[from + i];
            l[i] = AffineGrid.round(inverse * value, -half, half - 1);
            float w = value * value;
            sumXL += w * value * l[i];
            sumLL += w * l[i] * l[i];
        }
        boolean changed = true;
        for (int pass = 0; pass < PASSES && changed; pass++) {
            changed = false;
            for (int i = 0; i < length; i++) {
                float value = x[from + i];
                float w = value * value;
                float otherXL = sumXL - w * value * l[i];
                if (!(otherXL > 0)) {
                    continue;
                }
                float otherLL = sumLL - w * l[i] * l[i];
                int next = AffineGrid.round(value * otherLL / otherXL, -half, half - 1);
                if (next == l[i]) {
                    continue;
                }
                otherXL += w * value * next;
                otherLL += w * next * next;
                if (otherLL > 0 && otherXL * otherXL * sumLL > sumXL * sumXL * otherLL) {
                    l[i] = next;
                    sumXL = otherXL;
                    sumLL = otherLL;
                    changed = true;
                }
            }
        }
        for (int i = 0; i < length; i++) {
            codes[from + i] = l[i] + half;
        }
        return sumLL > 0 ? sumXL / sumLL : 0;
    }

    /**
     * The scale of numbers ≥ 0 in steps of 0 to {@code maxCode}: nine scales, then one code after another ({@code
     * make_qp_quants}); quantizes the scales and minima of a super-block.
     *
     * @param weights importance, as long as {@code x}
     * @param codes gets the codes
     */
    static float positive(float[] x, int maxCode, float[] weights, int[] codes) {
        float max = 0;
        for (float value : x) {
            max = value > max ? value : max;
        }
        if (max < ZERO) {
            Arrays.fill(codes, 0);
            return 0;
        }
        float inverse = maxCode / max;
        float best = positiveError(x, inverse, maxCode, weights);
        for (int tenths = -4; tenths <= 4; tenths++) {
            float tried = (0.1f * tenths + maxCode) / max;
            float error = tenths == 0 ? best : positiveError(x, tried, maxCode, weights);
            if (error < best) {
                best = error;
                inverse = tried;
            }
        }
        float sumXL = 0;
        float sumLL = 0;
        for (int i = 0; i < x.length; i++) {
            codes[i] = AffineGrid.round(inverse * x[i], 0, maxCode);
            sumXL += weights[i] * x[i] * codes[i];
            sumLL += weights[i] * codes[i] * codes[i];
        }
        boolean changed = true;
        for (int pass = 0; pass < PASSES && changed; pass++) {
            changed = false;
            for (int i = 0; i < x.length; i++) {
                float w = weights[i];
                float otherXL = sumXL - w * x[i] * codes[i];
                float otherLL = sumLL - w * codes[i] * codes[i];
                if (!(otherXL > 0 && otherLL > 0)) {
                    continue;
                }
                int next = AffineGrid.round(x[i] * otherLL / otherXL, 0, maxCode);
                if (next == codes[i]) {
                    continue;
                }
                otherXL += w * x[i] * next;
                otherLL += w * next * next;
                if (otherXL * otherXL * sumLL > sumXL * sumXL * otherLL) {
                    codes[i] = next;
                    sumXL = otherXL;
                    sumLL = otherLL;
                    changed = true;
                }
            }
        }
        return sumLL > 0 ? sumXL / sumLL : 0;
    }

    private static float positiveError(float[] x, float inverse, int maxCode, float[] weights) {
        float scale = 1 / inverse;
        float sum = 0;
        for (int i = 0; i < x.length; i++) {
            float difference = x[i] - scale * AffineGrid.round(inverse * x[i], 0, maxCode);
            sum += weights[i] * difference * difference;
        }
        return sum;
    }

    /** The number of the largest magnitude, the first of several. */
    /** The weight of the largest magnitude, the first of several; 0 where all are 0. */
    static float peak(float[] x, int from, int length) {
        if (!Lanes.FAST || length % Lanes.COUNT != 0) {
            return peakOneByOne(x, from, length);
        }
        FloatVector largest = FloatVector.zero(AffineGrid.FLOATS);
        for (int i = from; i < from + length; i += Lanes.COUNT) {
            FloatVector magnitude =
                    FloatVector.fromArray(AffineGrid.FLOATS, x, i).abs();
            largest = largest.blend(magnitude, magnitude.compare(VectorOperators.GT, largest));
        }
        float most = largest.reduceLanes(VectorOperators.MAX);
        if (most == 0) {
            return 0;
        }
        for (int i = from; ; i += Lanes.COUNT) {
            VectorMask<Float> here =
                    FloatVector.fromArray(AffineGrid.FLOATS, x, i).abs().compare(VectorOperators.EQ, most);
            if (here.anyTrue()) {
                return x[i + here.firstTrue()];
            }
        }
    }

    /** The specification of {@link #peak}. */
    static float peakOneByOne(float[] x, int from, int length) {
        float peak = 0;
        for (int i = from; i < from + length; i++) {
            if (Math.abs(x[i]) > Math.abs(peak)) {
                peak = x[i];
            }
        }
        return peak;
    }

    /** The reference's importance of weights under an importance matrix: h × √(σ² + x²). */
    static float[] spread(float[] x, int from, int length, float[] importance, float variance) {
        float[] weights = new float[length];
        for (int i = 0; i < length; i++) {
            float value = x[from + i];
            weights[i] = importance[from + i] * (float) Math.sqrt(variance + value * value);
        }
        return weights;
    }

    /** Σ x², in fp32 and in order. */
    static float squares(float[] x, int from, int length) {
        float sum = 0;
        for (int i = from; i < from + length; i++) {
            sum += x[i] * x[i];
        }
        return sum;
    }

    static float sum(float[] numbers, int from, int length) {
        float sum = 0;
        for (int i = from; i < from + length; i++) {
            sum += numbers[i];
        }
        return sum;
    }
}
