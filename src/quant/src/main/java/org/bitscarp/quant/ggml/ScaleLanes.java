package org.bitscarp.quant.ggml;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Lanes;

/**
 * The searches of {@link ScaleFit} for eight sub-blocks at a time, one in each lane. Every sum is still that of one sub-block in
 * the order of its weights, so results are those of {@link ScaleFit#signed} and {@link ScaleFit#signedByCode} bit for bit.
 */
final class ScaleLanes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    private static final int LANES = Lanes.COUNT;
    private static final float ROUND = AffineGrid.ROUND;

    private final int half;
    /** Element i of sub-block s at 8·i + s: weights, importance, importance × weight, levels. */
    private final float[] x;

    private final float[] h;
    private final float[] hx;
    private final float[] levels;

    // By sub-block.
    private final float[] peak = new float[LANES];
    private final float[] scale = new float[LANES];
    private final float[] best = new float[LANES];
    private final float[] inverse = new float[LANES];
    private final boolean[] zero = new boolean[LANES];

    /**
     * @param length weights in a sub-block
     * @param half codes run from 0 to 2 × half − 1 and stand for code − half
     */
    ScaleLanes(int length, int half) {
        this.half = half;
        x = new float[LANES * length];
        h = new float[LANES * length];
        hx = new float[LANES * length];
        levels = new float[LANES * length];
    }

    /**
     * {@link ScaleFit#signed} of eight sub-blocks, the first of which begins at {@code weights[from]}.
     *
     * @param importance of the same weights, at the same places; null for their squares
     * @param codes gets the codes
     * @param scales gets scales from index {@code first} on
     */
    void signed(float[] weights, float[] importance, int from, int[] codes, float[] scales, int first) {
        take(weights, importance, from);
        for (int trial = -1; trial < 19; trial++) {
            int tenths = trial - 9;
            if (trial < 0 || tenths != 0) {
                trial(trial < 0 ? -half : -(half + 0.1f * tenths), trial < 0);
            }
        }
        levels();
        put(from, codes, scales, first);
    }

    /** {@link ScaleFit#signedByCode} of eight sub-blocks; arguments as in {@link #signed}. */
    void signedByCode(float[] weights, int from, int[] codes, float[] scales, int first) {
        take(weights, null, from);
        trial(-half, true);
        levels();
        byCode();
        put(from, codes, scales, first);
    }

    /** Turns the sub-blocks around and finds their weights of the largest magnitude. */
    private void take(float[] weights, float[] importance, int from) {
        int length = x.length / LANES;
        for (int s = 0; s < LANES; s++) {
            for (int i = 0; i < length; i++) {
                x[i * LANES + s] = weights[from + s * length + i];
            }
        }
        if (importance != null) {
            for (int s = 0; s < LANES; s++) {
                for (int i = 0; i < length; i++) {
                    h[i * LANES + s] = importance[from + s * length + i];
                }
            }
        }
        FloatVector largest = FloatVector.zero(FLOATS);
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector v = FloatVector.fromArray(FLOATS, x, i);
            largest = largest.blend(v, v.abs().compare(VectorOperators.GT, largest.abs()));
            FloatVector weight = importance == null ? v.mul(v) : FloatVector.fromArray(FLOATS, h, i);
            weight.intoArray(h, i);
            weight.mul(v).intoArray(hx, i);
        }
        largest.intoArray(peak, 0);
        for (int s = 0; s < LANES; s++) {
            zero[s] = Math.abs(peak[s]) < ScaleFit.ZERO;
        }
    }

    /** Tries {@code steps} / peak as the inverse of the scale, and takes it wherever it is better, or always. */
    private void trial(float steps, boolean always) {
        FloatVector tried = FloatVector.broadcast(FLOATS, steps).div(FloatVector.fromArray(FLOATS, peak, 0));
        float low = -half;
        float high = half - 1;
        FloatVector xl = FloatVector.zero(FLOATS);
        FloatVector ll = xl;
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector level = FloatVector.fromArray(FLOATS, x, i).mul(tried);
            level = level.blend(low, level.compare(VectorOperators.LT, low));
            level = level.blend(high, level.compare(VectorOperators.GT, high));
            level = level.add(ROUND).sub(ROUND);
            xl = xl.add(FloatVector.fromArray(FLOATS, hx, i).mul(level));
            ll = ll.add(FloatVector.fromArray(FLOATS, h, i).mul(level).mul(level));
        }
        FloatVector before = FloatVector.fromArray(FLOATS, best, 0);
        VectorMask<Float> better =
                ll.compare(VectorOperators.GT, 0).and(xl.mul(xl).compare(VectorOperators.GT, before.mul(ll)));
        if (always) {
            better = better.or(better.not());
        }
        if (better.anyTrue()) {
            FloatVector unit = xl.div(ll);
            unit = unit.blend(0, ll.compare(VectorOperators.EQ, 0));
            FloatVector.fromArray(FLOATS, scale, 0).blend(unit, better).intoArray(scale, 0);
            before.blend(unit.mul(xl), better).intoArray(best, 0);
            FloatVector.fromArray(FLOATS, inverse, 0).blend(tried, better).intoArray(inverse, 0);
        }
    }

    private void levels() {
        FloatVector steps = FloatVector.fromArray(FLOATS, inverse, 0);
        float low = -half;
        float high = half - 1;
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector level = FloatVector.fromArray(FLOATS, x, i).mul(steps);
            level = level.blend(low, level.compare(VectorOperators.LT, low));
            level = level.blend(high, level.compare(VectorOperators.GT, high));
            level.add(ROUND).sub(ROUND).intoArray(levels, i);
        }
    }

    /**
     * Changes one code after another to its least-squares choice. A sub-block in which nothing changed goes through the further
     * passes of the others, where nothing changes again.
     */
    private void byCode() {
        float low = -half;
        float high = half - 1;
        FloatVector xl = FloatVector.zero(FLOATS);
        FloatVector ll = xl;
        for (int i = 0; i < x.length; i += LANES) {
            FloatVector level = FloatVector.fromArray(FLOATS, levels, i);
            xl = xl.add(FloatVector.fromArray(FLOATS, hx, i).mul(level));
            ll = ll.add(FloatVector.fromArray(FLOATS, h, i).mul(level).mul(level));
        }
        boolean changed = true;
        for (int pass = 0; pass < ScaleFit.PASSES && changed; pass++) {
            changed = false;
            for (int i = 0; i < x.length; i += LANES) {
                FloatVector level = FloatVector.fromArray(FLOATS, levels, i);
                FloatVector weight = FloatVector.fromArray(FLOATS, h, i);
                FloatVector product = FloatVector.fromArray(FLOATS, hx, i);
                FloatVector otherXL = xl.sub(product.mul(level));
                FloatVector otherLL = ll.sub(weight.mul(level).mul(level));
                FloatVector next =
                        FloatVector.fromArray(FLOATS, x, i).mul(otherLL).div(otherXL);
                next = next.blend(low, next.compare(VectorOperators.LT, low));
                next = next.blend(high, next.compare(VectorOperators.GT, high));
                next = next.add(ROUND).sub(ROUND);
                VectorMask<Float> moves =
                        otherXL.compare(VectorOperators.GT, 0).and(next.compare(VectorOperators.NE, level));
                otherXL = otherXL.add(product.mul(next));
                otherLL = otherLL.add(weight.mul(next).mul(next));
                moves = moves.and(otherLL.compare(VectorOperators.GT, 0))
                        .and(otherXL.mul(otherXL)
                                .mul(ll)
                                .compare(VectorOperators.GT, xl.mul(xl).mul(otherLL)));
                if (moves.anyTrue()) {
                    level.blend(next, moves).intoArray(levels, i);
                    xl = xl.blend(otherXL, moves);
                    ll = ll.blend(otherLL, moves);
                    changed = true;
                }
            }
        }
        FloatVector unit = xl.div(ll);
        unit.blend(0, ll.compare(VectorOperators.LE, 0)).intoArray(scale, 0);
    }

    private void put(int from, int[] codes, float[] scales, int first) {
        int length = x.length / LANES;
        for (int s = 0; s < LANES; s++) {
            scales[first + s] = zero[s] ? 0 : scale[s];
            for (int i = 0; i < length; i++) {
                codes[from + s * length + i] = zero[s] ? 0 : (int) levels[i * LANES + s] + half;
            }
        }
    }
}
