package org.bitscarp.quant;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** NaN and infinities among weights. */
public final class Nonfinite {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_256;

    private Nonfinite() {}

    public static int count(float[] w) {
        return Lanes.FAST && finite(w) ? 0 : countOneByOne(w);
    }

    /** Only NaN and infinities leave a difference with themselves, which then stays in the sum. */
    private static boolean finite(float[] w) {
        FloatVector sum = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i + Lanes.COUNT <= w.length; i += Lanes.COUNT) {
            FloatVector x = FloatVector.fromArray(SPECIES, w, i);
            sum = sum.add(x.sub(x));
        }
        boolean finite = sum.reduceLanes(VectorOperators.ADD) == 0;
        for (; i < w.length; i++) {
            finite &= w[i] - w[i] == 0;
        }
        return finite;
    }

    private static int countOneByOne(float[] w) {
        int count = 0;
        for (float x : w) {
            count += x - x == 0 ? 0 : 1;
        }
        return count;
    }

    /** Sets {@code target[i]} to 0 wherever {@code w[i]} is NaN or infinite; the two may be the same array. */
    public static void clear(float[] w, float[] target) {
        for (int i = 0; i < w.length; i++) {
            if (!Float.isFinite(w[i])) {
                target[i] = 0;
            }
        }
    }
}
