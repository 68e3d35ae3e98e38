package org.bitscarp.quant.ggml;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.bitscarp.quant.Lanes;

/**
 * One scale and offset for the block, rounded as the reference quantizers of the one-level types do: they round with
 * the scale and offset from before these were rounded to FP16.
 */
final class SingleGrid extends AffineGrid {
    /** What happens to half a step. */
    enum Half {
        /** To the larger code, by truncating code + ½. */
        UP,
        /** Away from zero, as C's {@code roundf}. */
        AWAY
    }

    private final float inverse;
    private final float origin;
    private final Half half;

    /**
     * @param stored the parameters as they are stored, and the range of codes
     * @param inverse 1 / scale before rounding, or 0
     * @param origin offset before rounding
     */
    SingleGrid(AffineGrid stored, float inverse, float origin, Half half) {
        super(stored.subLength, stored.scale, stored.offset, stored.zero, stored.minCode, stored.maxCode, null);
        this.inverse = inverse;
        this.origin = origin;
        this.half = half;
    }

    @Override
    public int nearest(int position, float weight) {
        float steps = ((weight == weight ? weight : 0) - origin) * inverse;
        if (half == Half.UP) {
            return (int) Math.max(minCode, Math.min(maxCode, steps + (zero + 0.5f)));
        }
        return zero + roundAway(Math.max(minCode - zero, Math.min(maxCode - zero, steps)));
    }

    /** Codes go by other parameters than values. */
    @Override
    public Even even(int position) {
        return null;
    }

    @Override
    public void nearest(float[] w, int from, int length, int[] codes) {
        float low = half == Half.UP ? minCode : minCode - zero;
        float high = half == Half.UP ? maxCode : maxCode - zero;
        float shift = half == Half.UP ? zero + 0.5f : 0;
        int i = 0;
        if (Lanes.FAST) {
            for (; i + Lanes.COUNT <= length; i += Lanes.COUNT) {
                FloatVector weight = FloatVector.fromArray(FLOATS, w, from + i);
                weight = weight.blend(0, weight.compare(VectorOperators.NE, weight));
                FloatVector steps = weight.sub(origin).mul(inverse).add(shift);
                steps = steps.blend(low, steps.compare(VectorOperators.LT, low));
                steps = steps.blend(high, steps.compare(VectorOperators.GT, high));
                IntVector whole = (IntVector) steps.convertShape(VectorOperators.F2I, INTS, 0);
                if (half == Half.AWAY) {
                    FloatVector rest = steps.sub((FloatVector) whole.convertShape(VectorOperators.I2F, FLOATS, 0));
                    whole = whole.add((IntVector) rest.add(rest).convertShape(VectorOperators.F2I, INTS, 0))
                            .add(zero);
                }
                whole.intoArray(codes, i);
            }
        }
        for (; i < length; i++) {
            float weight = w[from + i];
            float steps = ((weight == weight ? weight : 0) - origin) * inverse + shift;
            float clamped = Math.max(low, Math.min(high, steps));
            int whole = (int) clamped;
            if (half == Half.AWAY) {
                // Twice the rest, truncated, is −1, 0 or 1: whether half a step or more is left, and on which side.
                whole += (int) (2 * (clamped - whole)) + zero;
            }
            codes[i] = whole;
        }
    }

    /** The nearest integer of |x| < 2^31, ties away from zero; 0 for NaN. */
    static int roundAway(float x) {
        int whole = (int) x;
        float rest = x - whole;
        return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
    }
}
