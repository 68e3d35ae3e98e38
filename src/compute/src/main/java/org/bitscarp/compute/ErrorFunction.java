package org.bitscarp.compute;

/** The complementary error function in double precision. */
final class ErrorFunction {
    /** Where the series' cancellation begins to cost more than the continued fraction's slow start. */
    private static final double SWITCH = 2;

    private ErrorFunction() {}

    /**
     * erfc(x) = 2/√π ∫ₓ^∞ e^(−t²) dt to about 1e-14 relative: Taylor series near zero (Abramowitz and Stegun 7.1.6),
     * continued fraction further out (7.1.14).
     */
    static double complement(double x) {
        if (x < 0) {
            return 2 - complement(-x);
        }
        if (x < SWITCH) {
            return 1 - series(x);
        }
        if (Double.isNaN(x)) {
            return x;
        }
        return fraction(x);
    }

    /** erf(x) = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!. All terms have one sign. */
    private static double series(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; term > sum * 1e-17; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    /** e^(−x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))), from the tail. */
    private static double fraction(double x) {
        double tail = x;
        for (int n = 120; n > 0; n--) {
            tail = x + n / 2.0 / tail;
        }
        return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
    }
}
