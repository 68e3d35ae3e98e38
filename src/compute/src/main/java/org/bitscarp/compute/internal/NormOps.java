package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Operations on one row that need all of it first, as vector body, scalar tail. Offsets and lengths are in floats. A row
 * stays in the cache between its passes, so the floor is one read and one write of x.
 */
public final class NormOps {
    private static final int LANES = SPECIES.length();
    /** Floats that are summed in fp32 before a sum goes on in double. */
    private static final int CHUNK = 16 * LANES;
    /** 1.5·2²³: adding and subtracting it rounds to an integer, halves to even, up to 2²² in magnitude. */
    private static final float ROUND = 12582912f;

    private NormOps() {}

    /**
     * y = (x − mean) / √(variance + epsilon) · gain + bias; y lies at the same offset as x. Values are moved by a first mean
     * with the error of an fp32 sum, and the rest of the mean follows from the moved values, so that a row far from zero
     * loses nothing: about 4 roundings of the normed value, and those of gain and bias.
     */
    public static void layerNorm(
            MemorySegment x,
            long at,
            MemorySegment gain,
            MemorySegment bias,
            float epsilon,
            MemorySegment y,
            int length) {
        float center = (float) (VectorOps.sum(x, at, length) / length);
        double sum = 0;
        double squares = 0;
        int done = 0;
        for (int end = length - length % LANES; done < end; ) {
            FloatVector sums = FloatVector.zero(SPECIES);
            FloatVector squareSums = FloatVector.zero(SPECIES);
            for (int stop = Math.min(end, done + CHUNK); done < stop; done += LANES) {
                FloatVector centered = load(x, at + done).sub(center);
                sums = sums.add(centered);
                squareSums = centered.fma(centered, squareSums);
            }
            sum += VectorMath.sum(sums);
            squares += VectorMath.sum(squareSums);
        }
        for (; done < length; done++) {
            double centered = get(x, at + done) - center;
            sum += centered;
            squares += centered * centered;
        }
        double rest = sum / length;
        double inverse = 1 / Math.sqrt(Math.max(0, squares / length - rest * rest) + epsilon);
        float factor = (float) inverse;
        float shift = (float) (-rest * inverse);
        int i = 0;
        for (int end = length - length % LANES; i < end; i += LANES) {
            FloatVector centered = load(x, at + i).sub(center);
            FloatVector normed = centered.fma(centered.broadcast(factor), centered.broadcast(shift));
            store(normed.fma(load(gain, i), load(bias, i)), y, at + i);
        }
        for (; i < length; i++) {
            float normed = Math.fma(get(x, at + i) - center, factor, shift);
            y.setAtIndex(JAVA_FLOAT, at + i, Math.fma(normed, get(gain, i), get(bias, i)));
        }
    }

    /** x = clamp(round(x·s), −128, 127) / s with s = 127 / max(|x|, 1e-5); the specification's very bits. */
    public static void roundToInt8(MemorySegment x, long at, int length) {
        float scale = 127 / Math.max(maxMagnitude(x, at, length), 1e-5f);
        int i = 0;
        for (int end = length - length % LANES; i < end; i += LANES) {
            FloatVector rounded = load(x, at + i).mul(scale).add(ROUND).sub(ROUND);
            store(rounded.min(127).max(-128).div(scale), x, at + i);
        }
        for (; i < length; i++) {
            float rounded = get(x, at + i) * scale + ROUND - ROUND;
            x.setAtIndex(JAVA_FLOAT, at + i, Math.max(Math.min(rounded, 127), -128) / scale);
        }
    }

    /** NaN where there is one. */
    private static float maxMagnitude(MemorySegment x, long at, int length) {
        FloatVector best = FloatVector.zero(SPECIES);
        int i = 0;
        for (int end = length - length % LANES; i < end; i += LANES) {
            best = best.max(load(x, at + i).abs());
        }
        // A maximum does not depend on the order of its operands.
        float max = best.reduceLanes(VectorOperators.MAX);
        for (; i < length; i++) {
            max = Math.max(max, Math.abs(get(x, at + i)));
        }
        return max;
    }

    private static FloatVector load(MemorySegment x, long at) {
        return FloatVector.fromMemorySegment(SPECIES, x, 4 * at, ORDER);
    }

    private static void store(FloatVector v, MemorySegment x, long at) {
        v.intoMemorySegment(x, 4 * at, ORDER);
    }

    private static float get(MemorySegment x, long at) {
        return x.getAtIndex(JAVA_FLOAT, at);
    }
}
