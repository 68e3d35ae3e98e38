package org.bitscarp.quant.ggml;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Lanes;

/**
 * {@link AffineFit} of eight sub-blocks at a time, one in each lane. Every sum is still that of one sub-block in the order of
 * its weights, so results are those of {@link AffineFit#fit} bit for bit. Floor: about 25 vector operations for eight weights
 * and a candidate.
 */
final class AffineLanes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    private static final int LANES = Lanes.COUNT;
    private static final float ROUND = AffineGrid.ROUND;

    private final AffineFit rule;
    /** Element i of sub-block s at 8·i + s: weights, importance, codes of the candidate. */
    private final float[] x;

    private final float[] h;
    private final float[] tried;

    // By sub-block.
    private final float[] max = new float[LANES];
    private final float[] sumW = new float[LANES];
    private final float[] sumX = new float[LANES];
    private final float[] least = new float[LANES];
    private final float[] scale = new float[LANES];
    private final float[] min = new float[LANES];
    /** What the codes of the best candidate are: (x − base) × inverse, rounded. */
    private final float[] base = new float[LANES];

    private final float[] inverse = new float[LANES];
    /** Sub-blocks of which no weight is positive and none differs from another: nothing is searched there. */
    private final boolean[] flat = new boolean[LANES];

    /** @param length weights in a sub-block */
    AffineLanes(AffineFit rule, int length) {
        this.rule = rule;
        x = new float[LANES * length];
        h = new float[LANES * length];
        tried = new float[LANES * length];
    }

    /**
     * Fits eight sub-blocks, the first of which begins at {@code weights[from]}.
     *
     * @param importance of the same weights, at the same places
     * @param codes gets the codes of the best candidates
     * @param scales gets scales from index {@code first} on
     * @param minima gets minima, negated
     */
    void fit(float[] weights, float[] importance, int from, int[] codes, float[] scales, float[] minima, int first) {
        int length = x.length / LANES;
        for (int s = 0; s < LANES; s++) {
            for (int i = 0; i < length; i++) {
                x[i * LANES + s] = weights[from + s * length + i];
                h[i * LANES + s] = importance[from + s * length + i];
            }
        }
        range();
        for (int s = 0; s < LANES; s++) {
            flat[s] = max[s] <= min[s];
        }
        whole();
        for (int k = 0; k <= rule.count(); k++) {
            candidate(rule.first() + rule.step() * k + rule.maxCode());
        }
        codes();
        for (int s = 0; s < LANES; s++) {
            scales[first + s] = flat[s] ? 0 : scale[s];
            minima[first + s] = -min[s];
            for (int i = 0; i < length; i++) {
                codes[from + s * length + i] = flat[s] ? 0 : (int) tried[i * LANES + s];
            }
        }
    }

    private void range() {
        FloatVector low = FloatVector.fromArray(FLOATS, x, 0);
        FloatVector high = low;
        FloatVector w = FloatVector.fromArray(FLOATS, h, 0);
        FloatVector wx = w.mul(low);
        for (int i = LANES; i < x.length; i += LANES) {
            FloatVector v = FloatVector.fromArray(FLOATS, x, i);
            FloatVector weight = FloatVector.fromArray(FLOATS, h, i);
            low = low.blend(v, v.compare(VectorOperators.LT, low));
            high = high.blend(v, v.compare(VectorOperators.GT, high));
            w = w.add(weight);
            wx = wx.add(weight.mul(v));
        }
        low.blend(0, low.compare(VectorOperators.GT, 0)).intoArray(min, 0);
        high.intoArray(max, 0);
        w.intoArray(sumW, 0);
        wx.intoArray(sumX, 0);
    }

    /** The first candidate: the whole range, as it is. */
    private void whole() {
        FloatVector low = FloatVector.fromArray(FLOATS, min, 0);
        FloatVector steps = FloatVector.broadcast(FLOATS, rule.maxCode())
                .div(FloatVector.fromArray(FLOATS, max, 0).sub(low));
        low.intoArray(base, 0);
        steps.intoArray(inverse, 0);
        codes();
        FloatVector unit = FloatVector.broadcast(FLOATS, 1).div(steps);
        unit.intoArray(scale, 0);
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector difference =
                    FloatVector.fromArray(FLOATS, tried, i).mul(unit).add(low).sub(FloatVector.fromArray(FLOATS, x, i));
            FloatVector size = rule.absolute() ? difference.abs() : difference.mul(difference);
            sum = sum.add(FloatVector.fromArray(FLOATS, h, i).mul(size));
        }
        sum.intoArray(least, 0);
    }

    /** The codes of the best candidate. */
    private void codes() {
        FloatVector low = FloatVector.fromArray(FLOATS, base, 0);
        FloatVector steps = FloatVector.fromArray(FLOATS, inverse, 0);
        float most = rule.maxCode();
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector code = FloatVector.fromArray(FLOATS, x, i).sub(low).mul(steps);
            code = code.blend(0, code.compare(VectorOperators.LT, 0));
            code = code.blend(most, code.compare(VectorOperators.GT, most));
            code.add(ROUND).sub(ROUND).intoArray(tried, i);
        }
    }

    /** Takes a candidate wherever it is better. */
    private void candidate(float wanted) {
        FloatVector low = FloatVector.fromArray(FLOATS, min, 0);
        FloatVector steps = FloatVector.broadcast(FLOATS, wanted)
                .div(FloatVector.fromArray(FLOATS, max, 0).sub(low));
        float most = rule.maxCode();
        FloatVector l1 = FloatVector.zero(FLOATS);
        FloatVector l2 = l1;
        FloatVector xl = l1;
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector v = FloatVector.fromArray(FLOATS, x, i);
            FloatVector code = v.sub(low).mul(steps);
            code = code.blend(0, code.compare(VectorOperators.LT, 0));
            code = code.blend(most, code.compare(VectorOperators.GT, most));
            code = code.add(ROUND).sub(ROUND);
            code.intoArray(tried, i);
            FloatVector weighted = FloatVector.fromArray(FLOATS, h, i).mul(code);
            l1 = l1.add(weighted);
            l2 = l2.add(weighted.mul(code));
            xl = xl.add(weighted.mul(v));
        }
        FloatVector w = FloatVector.fromArray(FLOATS, sumW, 0);
        FloatVector wx = FloatVector.fromArray(FLOATS, sumX, 0);
        FloatVector determinant = w.mul(l2).sub(l1.mul(l1));
        FloatVector unit = w.mul(xl).sub(wx.mul(l1)).div(determinant);
        FloatVector offset = l2.mul(wx).sub(l1.mul(xl)).div(determinant);
        VectorMask<Float> positive = offset.compare(VectorOperators.GT, 0);
        offset = offset.blend(0, positive);
        unit = unit.blend(xl.div(l2), positive);
        FloatVector sum = FloatVector.zero(FLOATS);
        if (rule.absolute()) {
            for (int i = 0; i < x.length; i += LANES) {
                FloatVector difference = FloatVector.fromArray(FLOATS, tried, i)
                        .mul(unit)
                        .add(offset)
                        .sub(FloatVector.fromArray(FLOATS, x, i));
                sum = sum.add(FloatVector.fromArray(FLOATS, h, i).mul(difference.abs()));
            }
        } else {
            for (int i = 0; i < x.length; i += LANES) {
                FloatVector difference = FloatVector.fromArray(FLOATS, tried, i)
                        .mul(unit)
                        .add(offset)
                        .sub(FloatVector.fromArray(FLOATS, x, i));
                sum = sum.add(FloatVector.fromArray(FLOATS, h, i).mul(difference.mul(difference)));
            }
        }
        FloatVector before = FloatVector.fromArray(FLOATS, least, 0);
        VectorMask<Float> better =
                sum.compare(VectorOperators.LT, before).and(determinant.compare(VectorOperators.GT, 0));
        if (better.anyTrue()) {
            before.blend(sum, better).intoArray(least, 0);
            FloatVector.fromArray(FLOATS, scale, 0).blend(unit, better).intoArray(scale, 0);
            FloatVector.fromArray(FLOATS, base, 0).blend(low, better).intoArray(base, 0);
            FloatVector.fromArray(FLOATS, inverse, 0).blend(steps, better).intoArray(inverse, 0);
            low.blend(offset, better).intoArray(min, 0);
        }
    }
}
