package org.bitscarp.quant.ggml;

import java.util.Arrays;
import org.bitscarp.quant.Lanes;

/**
 * Scale and minimum of a sub-block of a k-quant with minima: the reference's search over ranges, each followed by
 * weighted least squares ({@code make_qkx2_quants}, {@code make_qkx3_quants}). In fp32 and in the reference's order of
 * operations, since a sum that rounds otherwise changes codes; and with its quirk that a range starts at the best
 * minimum so far.
 *
 * @param maxCode codes run from 0 to this
 * @param first the ranges tried divide the whole range into maxCode + first + k × step steps, k = 0 … count
 * @param absolute whether candidates are compared by their absolute instead of their squared error
 */
record AffineFit(int maxCode, float first, float step, int count, boolean absolute) {
    /**
     * Fits all sub-blocks of a block.
     *
     * @param length weights in a sub-block
     * @param weights importance of each weight
     * @param codes gets the codes
     * @param scales gets the scale of each sub-block, as many as there are
     * @param minima gets the minima, negated
     */
    void fitAll(float[] x, int length, float[] weights, int[] codes, float[] scales, float[] minima) {
        int sub = 0;
        if (Lanes.FAST) {
            AffineLanes lanes = new AffineLanes(this, length);
            for (; sub + Lanes.COUNT <= scales.length; sub += Lanes.COUNT) {
                lanes.fit(x, weights, sub * length, codes, scales, minima, sub);
            }
        }
        for (; sub < scales.length; sub++) {
            Result result = fit(x, sub * length, length, weights, codes);
            scales[sub] = result.scale();
            minima[sub] = result.minimum();
        }
    }

    /**
     * Fits {@code x[from, from+length)}. The specification of {@link #fitAll}.
     *
     * @param weights importance of each weight, at the same places
     * @param codes gets the codes of the best candidate at {@code [from, from+length)}
     * @return scale ≥ 0, and minimum negated: what is to be subtracted, ≥ 0
     */
    Result fit(float[] x, int from, int length, float[] weights, int[] codes) {
        float min = x[from];
        float max = x[from];
        float sumW = weights[from];
        float sumX = sumW * x[from];
        for (int i = 1; i < length; i++) {
            float weight = x[from + i];
            min = weight < min ? weight : min;
            max = weight > max ? weight : max;
            sumW += weights[from + i];
            sumX += weights[from + i] * weight;
        }
        min = min > 0 ? 0 : min;
        if (max <= min) {
            Arrays.fill(codes, from, from + length, 0);
            return new Result(0, -min);
        }
        int[] tried = new int[length];
        float scale = 1 / (maxCode / (max - min));
        quantize(x, from, length, maxCode / (max - min), min, tried);
        System.arraycopy(tried, 0, codes, from, length);
        float best = error(x, from, length, weights, tried, scale, min);
        for (int k = 0; k <= count; k++) {
            quantize(x, from, length, (first + step * k + maxCode) / (max - min), min, tried);
            float sumL = 0;
            float sumLL = 0;
            float sumXL = 0;
            for (int i = 0; i < length; i++) {
                float weighted = weights[from + i] * tried[i];
                sumL += weighted;
                sumLL += weighted * tried[i];
                sumXL += weighted * x[from + i];
            }
            float determinant = sumW * sumLL - sumL * sumL;
            if (!(determinant > 0)) {
                continue;
            }
            float triedScale = (sumW * sumXL - sumX * sumL) / determinant;
            float triedMin = (sumLL * sumX - sumL * sumXL) / determinant;
            if (triedMin > 0) {
                triedMin = 0;
                triedScale = sumXL / sumLL;
            }
            float error = error(x, from, length, weights, tried, triedScale, triedMin);
            if (error < best) {
                System.arraycopy(tried, 0, codes, from, length);
                best = error;
                scale = triedScale;
                min = triedMin;
            }
        }
        return new Result(scale, -min);
    }

    private void quantize(float[] x, int from, int length, float inverse, float min, int[] codes) {
        for (int i = 0; i < length; i++) {
            codes[i] = AffineGrid.round(inverse * (x[from + i] - min), 0, maxCode);
        }
    }

    private float error(float[] x, int from, int length, float[] weights, int[] codes, float scale, float min) {
        float sum = 0;
        for (int i = 0; i < length; i++) {
            float difference = scale * codes[i] + min - x[from + i];
            sum += weights[from + i] * (absolute ? Math.abs(difference) : difference * difference);
        }
        return sum;
    }

    record Result(float scale, float minimum) {}
}
