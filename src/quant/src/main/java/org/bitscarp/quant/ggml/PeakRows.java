package org.bitscarp.quant.ggml;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.Lanes;
import org.bitscarp.quant.RowRounder;

/**
 * Rows of blocks whose grid is a {@link PeakRule}'s, which is the specification. Nothing is allocated for a block, and its
 * weights are gone through twice: for the largest magnitude, and for codes and values. Floor: some 20 vector operations
 * for 8 weights.
 */
final class PeakRows implements RowRounder {
    private static final VectorSpecies<Float> FLOATS = AffineGrid.FLOATS;
    private static final VectorSpecies<Integer> INTS = AffineGrid.INTS;
    private static final int MAGNITUDE = 0x7FFF_FFFF;

    private final GgmlFormat format;
    private final PeakRule rule;
    private final int scaleAt;
    /** The largest magnitude that does not saturate; floats ≥ 0 are in the order of their bits. */
    private final int bound;

    private final int[] codes;
    private final byte[] row;

    /** @param scaleAt where the scale lies in a block's bytes */
    PeakRows(GgmlFormat format, PeakRule rule, int scaleAt, int columns) {
        this.format = format;
        this.rule = rule;
        this.scaleAt = scaleAt;
        bound = Float.floatToRawIntBits(format.largest());
        codes = new int[rule.length()];
        row = new byte[Math.toIntExact(format.rowBytes(columns))];
    }

    @Override
    public int round(float[] w, float[] rounded, MemorySegment target, long offset) {
        int fallbacks = 0;
        Arrays.fill(row, (byte) 0);
        for (int at = 0, to = 0; at < w.length; at += rule.length(), to += format.blockBytes()) {
            float peak = rule.mirrored() ? peak(w, at) : Float.intBitsToFloat(largest(w, at));
            int most = Float.floatToRawIntBits(peak) & MAGNITUDE;
            float scale = rule.scale(peak);
            float stored = HalfScale.round(scale);
            if (most > bound || (stored == 0 && most != 0)) {
                fallbacks += unusual(w, at, rounded, to);
                continue;
            }
            nearest(w, at, PeakRule.inverse(scale), stored, rounded);
            Bytes.putHalf(row, to + scaleAt, stored);
            format.pack(codes, row, to);
        }
        MemorySegment.copy(row, 0, target, ValueLayout.JAVA_BYTE, offset, row.length);
        return fallbacks;
    }

    /** A block that saturates or vanishes, as others do it. */
    private int unusual(float[] w, int at, float[] rounded, int to) {
        Grid grid = format.fit(w, at, rule.length());
        grid.nearest(w, at, rule.length(), codes);
        grid.values(codes, rule.length(), rounded, at);
        Bytes.putHalf(row, to + scaleAt, ((GgmlGrid) grid).scale[0]);
        format.pack(codes, row, to);
        return grid.fallbacks();
    }

    /** Bits of the largest magnitude of a block. */
    private int largest(float[] w, int from) {
        IntVector most = IntVector.zero(INTS);
        for (int i = from; i < from + rule.length(); i += Lanes.COUNT) {
            most = most.max(
                    FloatVector.fromArray(FLOATS, w, i).reinterpretAsInts().and(MAGNITUDE));
        }
        return most.reduceLanes(VectorOperators.MAX);
    }

    /** The first weight of the largest magnitude; which sign has it takes no branch that weights decide. */
    private float peak(float[] w, int from) {
        IntVector positive = IntVector.broadcast(INTS, Integer.MIN_VALUE);
        IntVector negative = positive;
        for (int i = from; i < from + rule.length(); i += Lanes.COUNT) {
            IntVector bits = FloatVector.fromArray(FLOATS, w, i).reinterpretAsInts();
            positive = positive.max(bits);
            // Of a weight below zero, the bits without the sign; of others, something negative.
            negative = negative.max(bits.lanewise(VectorOperators.XOR, Integer.MIN_VALUE));
        }
        int above = positive.reduceLanes(VectorOperators.MAX);
        int below = negative.reduceLanes(VectorOperators.MAX);
        if (above == below) {
            return first(w, from, above);
        }
        return above > below ? Float.intBitsToFloat(above) : Float.intBitsToFloat(below ^ Integer.MIN_VALUE);
    }

    /** The first weight of a magnitude. */
    private static float first(float[] w, int from, int magnitude) {
        for (int i = from; ; i += Lanes.COUNT) {
            long here = FloatVector.fromArray(FLOATS, w, i)
                    .reinterpretAsInts()
                    .and(MAGNITUDE)
                    .compare(VectorOperators.EQ, magnitude)
                    .toLong();
            if (here != 0) {
                return w[i + Long.numberOfTrailingZeros(here)];
            }
        }
    }

    /** Codes by the inverse of the scale, as {@link SingleGrid#nearest}, and their values. */
    private void nearest(float[] w, int from, float inverse, float stored, float[] rounded) {
        boolean up = rule.half() == SingleGrid.Half.UP;
        int zero = rule.zero();
        float low = up ? rule.minCode() : rule.minCode() - zero;
        float high = up ? rule.maxCode() : rule.maxCode() - zero;
        for (int i = 0; i < rule.length(); i += Lanes.COUNT) {
            FloatVector steps = FloatVector.fromArray(FLOATS, w, from + i).mul(inverse);
            steps = up ? steps.add(zero + 0.5f) : steps;
            steps = steps.blend(low, steps.compare(VectorOperators.LT, low));
            steps = steps.blend(high, steps.compare(VectorOperators.GT, high));
            IntVector code = (IntVector) steps.convertShape(VectorOperators.F2I, INTS, 0);
            if (!up) {
                FloatVector rest = steps.sub((FloatVector) code.convertShape(VectorOperators.I2F, FLOATS, 0));
                code = code.add((IntVector) rest.add(rest).convertShape(VectorOperators.F2I, INTS, 0));
                code = code.add(zero);
            }
            code.intoArray(codes, i);
            ((FloatVector) code.sub(zero).convertShape(VectorOperators.I2F, FLOATS, 0))
                    .mul(stored)
                    .intoArray(rounded, from + i);
        }
    }
}
