package org.bitscarp.compute.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.bitscarp.compute.Activation;
import org.junit.jupiter.api.Test;

/** The error bounds that {@link SmoothFunctions} documents, and that scalar and vector forms are the same function. */
class SmoothFunctionsTest {
    private static final int LANES = VectorMath.SPECIES.length();

    private interface Scalar {
        float of(float x);
    }

    private interface Vector {
        FloatVector of(FloatVector x);
    }

    /** Relative error at {@code x}, where the exact value is a normal number that exp does not clamp. */
    private static void within(
            String name, Scalar f, DoubleUnaryOperator exact, double reach, DoubleUnaryOperator bound) {
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 400_000; i++) {
            // Half of them spread evenly, half over all magnitudes.
            double spread = 2 * random.nextDouble() - 1;
            float x = (float)
                    (i % 2 == 0
                            ? spread * reach
                            : Math.signum(spread) * reach * Math.pow(10, -random.nextInt(8)) * random.nextDouble());
            double expected = exact.applyAsDouble(x);
            double error = Math.abs(f.of(x) - expected) / Math.max(Math.abs(expected), 1e-36);
            double allowed = bound.applyAsDouble(x);
            assertTrue(error <= allowed, name + "(" + x + ") is off by " + error + ", allowed " + allowed);
        }
    }

    @Test
    void hyperbolicTangent() {
        within("tanh", SmoothFunctions::tanh, Math::tanh, 12, x -> 3e-7);
        assertEquals(1, SmoothFunctions.tanh(Float.POSITIVE_INFINITY));
        assertEquals(-1, SmoothFunctions.tanh(Float.NEGATIVE_INFINITY));
        assertTrue(Float.isNaN(SmoothFunctions.tanh(Float.NaN)));
    }

    @Test
    void sigmoidUnit() {
        within("silu", SmoothFunctions::silu, Activation.SILU::apply, 80, x -> 4e-7);
    }

    @Test
    void gaussianUnits() {
        within("gelu", SmoothFunctions::gelu, Activation.GELU::apply, 12.5, x -> 6e-7 * (1 + x * x / 2));
        within("gelu tanh", SmoothFunctions::geluTanh, Activation.GELU_TANH::apply, 6, x -> {
            double u = 0.7978845608 * (x + 0.044715 * x * x * x);
            return 4e-7 * (1 + Math.abs(2 * u)) + 1e-16;
        });
    }

    @Test
    void vectorAndScalarFormsGiveTheSameBits() {
        same("tanh", SmoothFunctions::tanh, SmoothFunctions::tanh);
        same("silu", SmoothFunctions::silu, SmoothFunctions::silu);
        same("gelu", SmoothFunctions::gelu, SmoothFunctions::gelu);
        same("gelu tanh", SmoothFunctions::geluTanh, SmoothFunctions::geluTanh);
    }

    private static void same(String name, Scalar scalar, Vector vector) {
        SplittableRandom random = new SplittableRandom(12);
        float[] x = new float[LANES];
        float[] y = new float[LANES];
        for (int round = 0; round < 20_000; round++) {
            for (int i = 0; i < LANES; i++) {
                x[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(5) - 2));
            }
            if (round == 0) {
                x[0] = Float.NaN;
                x[1 % LANES] = -0f;
                x[2 % LANES] = Float.NEGATIVE_INFINITY;
                x[3 % LANES] = Float.POSITIVE_INFINITY;
            }
            vector.of(FloatVector.fromArray(VectorMath.SPECIES, x, 0)).intoArray(y, 0);
            for (int i = 0; i < LANES; i++) {
                int expected = Float.floatToIntBits(scalar.of(x[i]));
                assertEquals(expected, Float.floatToIntBits(y[i]), name + "(" + x[i] + ")");
            }
        }
    }
}
