package org.bitscarp.compute.internal;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * e^x in fp32, the same bits from the scalar and the vector form and at every vector width.
 *
 * <p>Range reduction by multiples of ln 2 and a polynomial of degree 7 (Cephes {@code expf}, Moshier 1989); relative error
 * below 2e-7 over the whole range. Arguments below −87.3 give about 1e-38 instead of a subnormal, above 88.3 the greatest
 * power, which no softmax here can notice.
 */
final class VectorMath {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private static final float LOW = -87.33654f;
    private static final float HIGH = 88.3f;
    private static final float LOG2_E = 1.44269504088896341f;
    /** ln 2 in two parts, so that n·ln 2 is exact in the high one. */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5·2²³: adding it rounds to an integer that then stands in the low mantissa bits. */
    private static final float ROUND = 12582912f;

    private static final float P0 = 1.9875691500e-4f;
    private static final float P1 = 1.3981999507e-3f;
    private static final float P2 = 8.3334519073e-3f;
    private static final float P3 = 4.1665795894e-2f;
    private static final float P4 = 1.6666665459e-1f;
    private static final float P5 = 5.0000001201e-1f;
    private static final int ONE_BITS = 0x3f800000;

    private VectorMath() {}

    /**
     * The sum of all lanes, added in one fixed order. {@code reduceLanes} may add in any order, and does: interpreted and
     * compiled code differ in the last bit, so that a result would depend on when a method was compiled.
     */
    static float sum(FloatVector v) {
        float[] lanes = v.toArray();
        for (int half = lanes.length / 2; half >= 1; half /= 2) {
            for (int i = 0; i < half; i++) {
                lanes[i] += lanes[i + half];
            }
        }
        return lanes[0];
    }

    static float exp(float x) {
        x = Math.min(Math.max(x, LOW), HIGH);
        float shifted = Math.fma(x, LOG2_E, ROUND);
        float n = shifted - ROUND;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
        float p = Math.fma(P0, r, P1);
        p = Math.fma(p, r, P2);
        p = Math.fma(p, r, P3);
        p = Math.fma(p, r, P4);
        p = Math.fma(p, r, P5);
        p = Math.fma(p, r * r, r) + 1;
        return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) << 23) + ONE_BITS);
    }

    static FloatVector exp(FloatVector x) {
        x = x.lanewise(VectorOperators.MAX, LOW).lanewise(VectorOperators.MIN, HIGH);
        FloatVector shifted = x.fma(x.broadcast(LOG2_E), x.broadcast(ROUND));
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(x.broadcast(-LN2_HIGH), x);
        r = n.fma(x.broadcast(-LN2_LOW), r);
        FloatVector p = r.fma(x.broadcast(P0), x.broadcast(P1));
        p = p.fma(r, x.broadcast(P2));
        p = p.fma(r, x.broadcast(P3));
        p = p.fma(r, x.broadcast(P4));
        p = p.fma(r, x.broadcast(P5));
        p = p.fma(r.mul(r), r).add(1);
        FloatVector power = shifted.reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, 23)
                .add(ONE_BITS)
                .reinterpretAsFloats();
        return p.mul(power);
    }
}
