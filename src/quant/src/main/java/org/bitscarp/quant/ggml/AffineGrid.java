package org.bitscarp.quant.ggml;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.Lanes;

/**
 * Evenly spaced values: scale × (code − zero) + offset, with a scale and an offset for each sub-block.
 *
 * <p>Grids without offset have −0 there: the only number whose addition leaves every float, −0 too, as it is.
 */
class AffineGrid extends GgmlGrid {
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    static final float NO_OFFSET = -0f;
    static final float ROUND = Grid.Even.ROUND;

    final float[] offset;
    final int zero;
    final int minCode;
    final int maxCode;
    /** The codes of weights whose scale is 0, where all codes mean the same; null for the code of zero. */
    final int[] idle;

    AffineGrid(int subLength, float[] scale, float[] offset, int zero, int minCode, int maxCode, int[] idle) {
        super(subLength, scale);
        this.offset = offset;
        this.zero = zero;
        this.minCode = minCode;
        this.maxCode = maxCode;
        this.idle = idle;
    }

    /** clamp(round((w − offset) / scale) + zero), ties to even. */
    @Override
    public int nearest(int position, float weight) {
        int sub = position / subLength;
        if (scale[sub] == 0) {
            return idle == null ? zero : idle[position];
        }
        return zero
                + round(((weight == weight ? weight : 0) - offset[sub]) / scale[sub], minCode - zero, maxCode - zero);
    }

    @Override
    public void nearest(float[] w, int from, int length, int[] codes) {
        for (int sub = 0; sub * subLength < length; sub++) {
            int start = sub * subLength;
            int end = Math.min(length, start + subLength);
            float step = scale[sub];
            if (step == 0) {
                for (int i = start; i < end; i++) {
                    codes[i] = idle == null ? zero : idle[i];
                }
                continue;
            }
            float origin = offset[sub];
            float low = minCode - zero;
            float high = maxCode - zero;
            int i = start;
            if (Lanes.FAST) {
                for (; i + Lanes.COUNT <= end; i += Lanes.COUNT) {
                    FloatVector weight = FloatVector.fromArray(FLOATS, w, from + i);
                    weight = weight.blend(0, weight.compare(VectorOperators.NE, weight));
                    FloatVector steps = weight.sub(origin).div(step);
                    steps = steps.blend(low, steps.compare(VectorOperators.LT, low));
                    steps = steps.blend(high, steps.compare(VectorOperators.GT, high));
                    IntVector code = (IntVector) steps.add(ROUND).sub(ROUND).convertShape(VectorOperators.F2I, INTS, 0);
                    code.add(zero).intoArray(codes, i);
                }
            }
            for (; i < end; i++) {
                float weight = w[from + i];
                float steps = ((weight == weight ? weight : 0) - origin) / step;
                codes[i] = (int) (Math.max(low, Math.min(high, steps)) + ROUND - ROUND) + zero;
            }
        }
    }

    @Override
    public Even even(int position) {
        int sub = position / subLength;
        return scale[sub] == 0 ? null : new Even(scale[sub], offset[sub], zero, minCode, maxCode);
    }

    @Override
    public final float level(int code) {
        return code - zero;
    }

    @Override
    public final float offset(int position) {
        return offset[position / subLength];
    }

    @Override
    public final float value(int position, int code) {
        int sub = position / subLength;
        return scale[sub] * (code - zero) + offset[sub];
    }

    @Override
    public final void values(int[] codes, int length, float[] w, int from) {
        for (int sub = 0; sub * subLength < length; sub++) {
            float step = scale[sub];
            float start = offset[sub];
            int end = Math.min(length, (sub + 1) * subLength);
            for (int i = sub * subLength; i < end; i++) {
                w[from + i] = step * (codes[i] - zero) + start;
            }
        }
    }

    /** The nearest integer of a range, ties to even; 0 for NaN. The bounds lie within ±2^22. */
    static int round(float x, int low, int high) {
        return (int) (Math.max(low, Math.min(high, x)) + ROUND - ROUND);
    }
}
