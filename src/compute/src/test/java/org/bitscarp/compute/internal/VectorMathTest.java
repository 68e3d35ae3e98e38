package org.bitscarp.compute.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorMathTest {
    private static final int LANES = VectorMath.SPECIES.length();

    @Test
    void exponentialIsWithinTwoUnitsInTheLastPlace() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 1_000_000; i++) {
            float x = (float) (random.nextDouble() * 175 - 87);
            double exact = Math.exp((double) x);
            double error = Math.abs(VectorMath.exp(x) - exact) / Math.ulp((float) exact);
            assertTrue(error < 2, "exp(" + x + ") is off by " + error + " ulp");
        }
    }

    @Test
    void exponentialAtTheEdges() {
        assertEquals(1f, VectorMath.exp(0f));
        assertTrue(VectorMath.exp(-1000f) < 2e-38f);
        assertTrue(VectorMath.exp(Float.NEGATIVE_INFINITY) < 2e-38f);
        assertTrue(VectorMath.exp(1000f) > 1e38f && Float.isFinite(VectorMath.exp(1000f)));
        assertTrue(Float.isNaN(VectorMath.exp(Float.NaN)));
    }

    @Test
    void vectorAndScalarFormsGiveTheSameBits() {
        SplittableRandom random = new SplittableRandom(8);
        float[] x = new float[LANES];
        float[] y = new float[LANES];
        for (int round = 0; round < 20_000; round++) {
            for (int i = 0; i < LANES; i++) {
                x[i] = (float) (random.nextDouble() * 240 - 120);
            }
            x[0] = round == 0 ? Float.NaN : x[0];
            VectorMath.exp(FloatVector.fromArray(VectorMath.SPECIES, x, 0)).intoArray(y, 0);
            for (int i = 0; i < LANES; i++) {
                assertEquals(VectorMath.exp(x[i]), y[i], "exp(" + x[i] + ")");
            }
        }
    }

    /** From the first, interpreted call to the last, compiled one. */
    @Test
    void aSumHasTheSameBitsWhoeverRunsIt() {
        SplittableRandom random = new SplittableRandom(10);
        float[] x = new float[LANES];
        for (int round = 0; round < 200_000; round++) {
            for (int i = 0; i < LANES; i++) {
                x[i] = (float) random.nextGaussian();
            }
            float[] tree = x.clone();
            for (int half = LANES / 2; half >= 1; half /= 2) {
                for (int i = 0; i < half; i++) {
                    tree[i] = tree[i] + tree[i + half];
                }
            }
            assertEquals(tree[0], VectorMath.sum(FloatVector.fromArray(VectorMath.SPECIES, x, 0)));
        }
    }
}
