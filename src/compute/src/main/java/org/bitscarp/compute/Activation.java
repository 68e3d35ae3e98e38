package org.bitscarp.compute;

/** Activation functions of feed-forward blocks. */
public enum Activation {
    /** x / (1 + e⁻ˣ). */
    SILU {
        @Override
        public double apply(double x) {
            return x / (1 + Math.exp(-x));
        }
    },
    /** x·Φ(x) with the normal distribution function itself (Hendrycks and Gimpel 2016): GPT-NeoX. */
    GELU {
        @Override
        public double apply(double x) {
            return 0.5 * x * ErrorFunction.complement(-x * INVERSE_SQRT_2);
        }
    },
    /** x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), its approximation (section 2 there): GPT-2, Gemma. */
    GELU_TANH {
        @Override
        public double apply(double x) {
            return 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
        }
    },
    /** max(0, x): OPT. */
    RELU {
        @Override
        public double apply(double x) {
            return x <= 0 ? 0 : x;
        }
    },
    /** max(0, x)² (So et al. 2021): BitNet b1.58. */
    RELU_SQUARED {
        @Override
        public double apply(double x) {
            return x <= 0 ? 0 : x * x;
        }
    };

    private static final double INVERSE_SQRT_2 = 1 / Math.sqrt(2);
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    /** The function in double: the specification. NaN stays NaN. */
    public abstract double apply(double x);
}
