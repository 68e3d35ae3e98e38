package org.bitscarp.compute.internal;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Functions built on {@link VectorMath#exp(float)} in fp32: the same bits from the scalar and the vector form and at every
 * vector width. NaN stays NaN. Errors are measured by {@code SmoothFunctionsTest} over all magnitudes.
 */
final class SmoothFunctions {
    /** Below it a polynomial in x², which has no cancellation; above it an exponential (Cephes {@code tanhf}, Moshier 1989). */
    private static final float TANH_SWITCH = 0.625f;

    private static final float T0 = -5.70498872745e-3f;
    private static final float T1 = 2.06390887954e-2f;
    private static final float T2 = -5.37397155531e-2f;
    private static final float T3 = 1.33314422036e-1f;
    private static final float T4 = -3.33332819422e-1f;

    /** tanh is 1 in fp32 from 9.02 on; further out the exponential would leave its range. */
    private static final float TANH_ONE = 10;

    private static final float SQRT_2_OVER_PI = 0.79788456f;
    private static final float CUBIC = 0.044715f * SQRT_2_OVER_PI;
    private static final float INVERSE_SQRT_2 = 0.70710678f;

    /**
     * erfc(z) = t·P(t)·e^(−z²) with t = 1 / (1 + 0.4·z) for z ≥ 0: the form of Abramowitz and Stegun 7.1.26, its
     * polynomial fitted anew to degree 8 for the least relative error, 6.2e-8 up to z = 10 (iterated weighted least
     * squares on 400 Chebyshev points of t against erfc in 40 digits).
     */
    private static final float ERFC_STEP = 0.4f;

    private static final float E0 = 2.256342322e-01f;
    private static final float E1 = 2.264431119e-01f;
    private static final float E2 = 2.018875778e-01f;
    private static final float E3 = 1.933932602e-01f;
    private static final float E4 = 7.975637913e-02f;
    private static final float E5 = 8.796450496e-02f;
    private static final float E6 = 8.398713917e-02f;
    private static final float E7 = -1.403191686e-01f;
    private static final float E8 = 4.125302285e-02f;

    /** x·Φ(−x) is below the least normal number from here on. */
    private static final float GELU_TAIL = 14;

    private SmoothFunctions() {}

    /** tanh x, relative error below 3e-7. */
    static float tanh(float x) {
        float magnitude = Math.min(Math.abs(x), TANH_ONE);
        float square = magnitude * magnitude;
        float p = Math.fma(T0, square, T1);
        p = Math.fma(p, square, T2);
        p = Math.fma(p, square, T3);
        p = Math.fma(p, square, T4);
        float near = Math.fma(p * square, magnitude, magnitude);
        float far = 1 - 2 / (VectorMath.exp(magnitude + magnitude) + 1);
        float result = magnitude < TANH_SWITCH ? near : far;
        return x < 0 ? -result : result;
    }

    static FloatVector tanh(FloatVector x) {
        FloatVector magnitude = x.abs().min(TANH_ONE);
        FloatVector square = magnitude.mul(magnitude);
        FloatVector p = square.fma(x.broadcast(T0), x.broadcast(T1));
        p = p.fma(square, x.broadcast(T2));
        p = p.fma(square, x.broadcast(T3));
        p = p.fma(square, x.broadcast(T4));
        FloatVector near = p.mul(square).fma(magnitude, magnitude);
        FloatVector e = VectorMath.exp(magnitude.add(magnitude)).add(1);
        FloatVector far = x.broadcast(1).sub(x.broadcast(2).div(e));
        FloatVector result = far.blend(near, magnitude.compare(VectorOperators.LT, TANH_SWITCH));
        return result.blend(result.neg(), x.compare(VectorOperators.LT, 0));
    }

    /** x / (1 + e⁻ˣ); relative error below 4e-7 down to x = −88, where |x|·5e-39 is left in place of less. */
    static float silu(float x) {
        return x / (VectorMath.exp(-x) + 1);
    }

    static FloatVector silu(FloatVector x) {
        return x.div(VectorMath.exp(x.neg()).add(1));
    }

    /**
     * x/2·(1 + tanh u) = x / (1 + e^(−2u)) with u = √(2/π)·(x + 0.044715·x³): no cancellation on the left. Relative error
     * below 4e-7·(1 + |2u|), the exponent's rounding.
     */
    static float geluTanh(float x) {
        float u = Math.fma(x * x, CUBIC, SQRT_2_OVER_PI) * x;
        return x / (VectorMath.exp(-2 * u) + 1);
    }

    static FloatVector geluTanh(FloatVector x) {
        FloatVector u =
                x.mul(x).fma(x.broadcast(CUBIC), x.broadcast(SQRT_2_OVER_PI)).mul(x);
        return x.div(VectorMath.exp(u.mul(-2)).add(1));
    }

    /**
     * x·Φ(x) = max(0, x) − |x|/2·erfc(|x|/√2): no cancellation on the left, half of x at most on the right. Relative error
     * below 6e-7·(1 + x²/2), the exponent's rounding.
     */
    static float gelu(float x) {
        float magnitude = Math.min(Math.abs(x), GELU_TAIL);
        float z = magnitude * INVERSE_SQRT_2;
        float t = 1 / Math.fma(z, ERFC_STEP, 1);
        float p = Math.fma(E8, t, E7);
        p = Math.fma(p, t, E6);
        p = Math.fma(p, t, E5);
        p = Math.fma(p, t, E4);
        p = Math.fma(p, t, E3);
        p = Math.fma(p, t, E2);
        p = Math.fma(p, t, E1);
        p = Math.fma(p, t, E0);
        float complement = p * t * VectorMath.exp(magnitude * magnitude * -0.5f);
        return Math.max(x, 0) - magnitude * 0.5f * complement;
    }

    static FloatVector gelu(FloatVector x) {
        FloatVector magnitude = x.abs().min(GELU_TAIL);
        FloatVector z = magnitude.mul(INVERSE_SQRT_2);
        FloatVector t = x.broadcast(1).div(z.fma(x.broadcast(ERFC_STEP), x.broadcast(1)));
        FloatVector p = t.fma(x.broadcast(E8), x.broadcast(E7));
        p = p.fma(t, x.broadcast(E6));
        p = p.fma(t, x.broadcast(E5));
        p = p.fma(t, x.broadcast(E4));
        p = p.fma(t, x.broadcast(E3));
        p = p.fma(t, x.broadcast(E2));
        p = p.fma(t, x.broadcast(E1));
        p = p.fma(t, x.broadcast(E0));
        FloatVector complement =
                p.mul(t).mul(VectorMath.exp(magnitude.mul(magnitude).mul(-0.5f)));
        return x.max(0).sub(magnitude.mul(0.5f).mul(complement));
    }
}
