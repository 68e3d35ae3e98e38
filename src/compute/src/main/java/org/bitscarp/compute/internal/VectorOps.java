package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Operations on runs of floats, each as vector body, scalar tail. The specification of what they serve is {@link
 * org.bitscarp.compute.ScalarBackend}. Offsets and lengths are in floats.
 */
public final class VectorOps {
    private static final int LANES = SPECIES.length();
    /** Floats that are summed in fp32 before a sum goes on in double: keeps the rounding error of long sums near 1e-7. */
    private static final int CHUNK = 16 * LANES;

    private VectorOps() {}

    public static void add(MemorySegment x, long xAt, MemorySegment y, long yAt, long length) {
        long i = 0;
        for (long end = length - length % LANES; i < end; i += LANES) {
            load(x, xAt + i).add(load(y, yAt + i)).intoMemorySegment(x, 4 * (xAt + i), ORDER);
        }
        for (; i < length; i++) {
            set(x, xAt + i, get(x, xAt + i) + get(y, yAt + i));
        }
    }

    /** x *= y. */
    public static void multiply(MemorySegment x, long xAt, MemorySegment y, long yAt, long length) {
        long i = 0;
        for (long end = length - length % LANES; i < end; i += LANES) {
            load(x, xAt + i).mul(load(y, yAt + i)).intoMemorySegment(x, 4 * (xAt + i), ORDER);
        }
        for (; i < length; i++) {
            set(x, xAt + i, get(x, xAt + i) * get(y, yAt + i));
        }
    }

    /** x += factor · y. */
    public static void addScaled(MemorySegment x, long xAt, float factor, MemorySegment y, long yAt, long length) {
        long i = 0;
        for (long end = length - length % LANES; i < end; i += LANES) {
            load(y, yAt + i).mul(factor).add(load(x, xAt + i)).intoMemorySegment(x, 4 * (xAt + i), ORDER);
        }
        for (; i < length; i++) {
            set(x, xAt + i, get(x, xAt + i) + factor * get(y, yAt + i));
        }
    }

    /**
     * sums + low += part, and part = 0; specified by {@code Backend.addCompensated}. Floor: 24 bytes a number.
     *
     * @param at where the floats begin, in all three
     * @param length floats
     */
    public static void addCompensated(MemorySegment part, MemorySegment sums, MemorySegment low, long at, long length) {
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            FloatVector a = load(sums, i);
            FloatVector b = load(part, i);
            FloatVector sum = a.add(b);
            FloatVector added = sum.sub(a);
            FloatVector lost = a.sub(sum.sub(added)).add(b.sub(added));
            sum.intoMemorySegment(sums, 4 * i, ORDER);
            load(low, i).add(lost).intoMemorySegment(low, 4 * i, ORDER);
            FloatVector.zero(SPECIES).intoMemorySegment(part, 4 * i, ORDER);
        }
        for (; i < at + length; i++) {
            float a = get(sums, i);
            float b = get(part, i);
            float sum = a + b;
            float added = sum - a;
            float lost = a - (sum - added) + (b - added);
            set(sums, i, sum);
            set(low, i, get(low, i) + lost);
            set(part, i, 0);
        }
    }

    /** Σ x. */
    public static double sum(MemorySegment x, long at, long length) {
        double total = 0;
        long i = 0;
        for (long end = length - length % LANES; i < end; ) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (long stop = Math.min(end, i + CHUNK); i < stop; i += LANES) {
                sum = sum.add(load(x, at + i));
            }
            total += VectorMath.sum(sum);
        }
        for (; i < length; i++) {
            total += get(x, at + i);
        }
        return total;
    }

    /** Σ x². */
    public static double squaredNorm(MemorySegment x, long at, long length) {
        double total = 0;
        long i = 0;
        for (long end = length - length % LANES; i < end; ) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (long stop = Math.min(end, i + CHUNK); i < stop; i += LANES) {
                FloatVector v = load(x, at + i);
                sum = v.fma(v, sum);
            }
            total += VectorMath.sum(sum);
        }
        for (; i < length; i++) {
            total += (double) get(x, at + i) * get(x, at + i);
        }
        return total;
    }

    /** sums[i] += x[i]². A loop that the compiler vectorises by itself; double sums because rows go into the millions. */
    public static void addSquares(MemorySegment x, long at, double[] sums) {
        for (int i = 0; i < sums.length; i++) {
            double v = get(x, at + i);
            sums[i] += v * v;
        }
    }

    /** Σ (x − y)². */
    public static double squaredDistance(MemorySegment x, MemorySegment y, long length) {
        double total = 0;
        long i = 0;
        for (long end = length - length % LANES; i < end; ) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (long stop = Math.min(end, i + CHUNK); i < stop; i += LANES) {
                FloatVector v = load(x, i).sub(load(y, i));
                sum = v.fma(v, sum);
            }
            total += VectorMath.sum(sum);
        }
        for (; i < length; i++) {
            double d = (double) get(x, i) - get(y, i);
            total += d * d;
        }
        return total;
    }

    /** y = x · factor · gain. */
    public static void scale(
            MemorySegment x, long xAt, float factor, MemorySegment gain, MemorySegment y, long yAt, int length) {
        int i = 0;
        for (int end = length - length % LANES; i < end; i += LANES) {
            load(x, xAt + i).mul(factor).mul(load(gain, i)).intoMemorySegment(y, 4 * (yAt + i), ORDER);
        }
        for (; i < length; i++) {
            set(y, yAt + i, get(x, xAt + i) * factor * get(gain, i));
        }
    }

    /** x *= factor. */
    public static void scale(MemorySegment x, long at, float factor, int length) {
        int i = 0;
        for (int end = length - length % LANES; i < end; i += LANES) {
            load(x, at + i).mul(factor).intoMemorySegment(x, 4 * (at + i), ORDER);
        }
        for (; i < length; i++) {
            set(x, at + i, get(x, at + i) * factor);
        }
    }

    /** The greatest value; NaN does not count, −∞ when there is none. */
    public static float max(MemorySegment x, long at, int length) {
        float max = Float.NEGATIVE_INFINITY;
        int i = 0;
        int end = length - length % LANES;
        if (end > 0) {
            FloatVector best = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
            for (; i < end; i += LANES) {
                FloatVector v = load(x, at + i);
                best = best.blend(v, v.compare(VectorOperators.GT, best));
            }
            max = best.reduceLanes(VectorOperators.MAX);
        }
        for (; i < length; i++) {
            max = get(x, at + i) > max ? get(x, at + i) : max;
        }
        return max;
    }

    /** Index of the first element equal to {@code value}, or −1. */
    public static int indexOf(MemorySegment x, long at, int length, float value) {
        for (int i = 0; i < length; i++) {
            if (get(x, at + i) == value) {
                return i;
            }
        }
        return -1;
    }

    /** Index of the first element from {@code from} on that is greater than {@code bound}, or {@code length}. */
    public static int nextAbove(MemorySegment x, long at, int from, int length, float bound) {
        int i = from;
        for (; i + LANES <= length; i += LANES) {
            var above = load(x, at + i).compare(VectorOperators.GT, bound);
            if (above.anyTrue()) {
                return i + above.firstTrue();
            }
        }
        for (; i < length; i++) {
            if (get(x, at + i) > bound) {
                return i;
            }
        }
        return length;
    }

    /** y = exp(x·factor − shift); returns Σ y. x and y may be the same. */
    public static double exponentials(
            MemorySegment x, long xAt, float factor, float shift, MemorySegment y, long yAt, int length) {
        double total = 0;
        int i = 0;
        for (int end = length - length % LANES; i < end; ) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (int stop = Math.min(end, i + CHUNK); i < stop; i += LANES) {
                FloatVector e = VectorMath.exp(load(x, xAt + i).mul(factor).sub(shift));
                e.intoMemorySegment(y, 4 * (yAt + i), ORDER);
                sum = sum.add(e);
            }
            total += VectorMath.sum(sum);
        }
        for (; i < length; i++) {
            float e = VectorMath.exp(get(x, xAt + i) * factor - shift);
            set(y, yAt + i, e);
            total += e;
        }
        return total;
    }

    /** Σ exp(x − shift). */
    public static double sumOfExponentials(MemorySegment x, long at, float shift, int length) {
        double total = 0;
        int i = 0;
        for (int end = length - length % LANES; i < end; ) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (int stop = Math.min(end, i + CHUNK); i < stop; i += LANES) {
                sum = sum.add(VectorMath.exp(load(x, at + i).sub(shift)));
            }
            total += VectorMath.sum(sum);
        }
        for (; i < length; i++) {
            total += VectorMath.exp(get(x, at + i) - shift);
        }
        return total;
    }

    /** Σ e·(x − y). */
    public static double weightedDifference(MemorySegment e, MemorySegment x, MemorySegment y, long at, int length) {
        double total = 0;
        int i = 0;
        for (int end = length - length % LANES; i < end; ) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (int stop = Math.min(end, i + CHUNK); i < stop; i += LANES) {
                sum = load(x, at + i).sub(load(y, at + i)).fma(load(e, at + i), sum);
            }
            total += VectorMath.sum(sum);
        }
        for (; i < length; i++) {
            total += (double) get(e, at + i) * (get(x, at + i) - get(y, at + i));
        }
        return total;
    }

    /** Rotates pairs (i, i + half) of one head: (a, b) becomes (a·c − b·s, b·c + a·s). */
    public static void rotate(MemorySegment x, long at, MemorySegment cos, MemorySegment sin, long angleAt, int half) {
        int i = 0;
        for (int end = half - half % LANES; i < end; i += LANES) {
            FloatVector a = load(x, at + i);
            FloatVector b = load(x, at + half + i);
            FloatVector c = load(cos, angleAt + i);
            FloatVector s = load(sin, angleAt + i);
            a.mul(c).sub(b.mul(s)).intoMemorySegment(x, 4 * (at + i), ORDER);
            b.mul(c).add(a.mul(s)).intoMemorySegment(x, 4 * (at + half + i), ORDER);
        }
        for (; i < half; i++) {
            float a = get(x, at + i);
            float b = get(x, at + half + i);
            float c = get(cos, angleAt + i);
            float s = get(sin, angleAt + i);
            set(x, at + i, a * c - b * s);
            set(x, at + half + i, b * c + a * s);
        }
    }

    private static FloatVector load(MemorySegment x, long at) {
        return FloatVector.fromMemorySegment(SPECIES, x, 4 * at, ORDER);
    }

    private static float get(MemorySegment x, long at) {
        return x.getAtIndex(JAVA_FLOAT, at);
    }

    private static void set(MemorySegment x, long at, float value) {
        x.setAtIndex(JAVA_FLOAT, at, value);
    }
}
