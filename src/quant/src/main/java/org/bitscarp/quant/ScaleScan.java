package org.bitscarp.quant;

/**
 * Which scales a search of integer grids tries: the widest, and each further one the one before times {@code factor}. They
 * depend on the width alone, so that a device tries the same ones without powers of its own.
 *
 * @param steps down to the smallest scale; symmetric grids take twice as many
 * @param factor below 1
 */
public record ScaleScan(int steps, double factor) {
    /**
     * For each width, the smallest share of the range that is tried and the number of steps down to it. The range that
     * a Gaussian block is best clipped to grows with the width (Max 1960: steps of 0.996 σ at 2 bits, 0.586 σ at 3, so
     * 57 % and 79 % of the range of 128 weights). The bounds leave room for heavier tails and for importance that lies
     * on small weights.
     */
    private static final double[] SMALLEST_SHARE = {0, 0, 0.12, 0.15, 0.35, 0.5, 0.65, 0.75, 0.85};

    private static final int[] STEPS = {0, 0, 48, 40, 28, 20, 14, 12, 10};

    public static ScaleScan of(GroupedInt format) {
        int steps = STEPS[format.bits()];
        double share = SMALLEST_SHARE[format.bits()];
        double maxCode = format.maxCode();
        // Asymmetric: from half a step more than the range at either end. Symmetric: from the scale that reaches the
        // largest
        // magnitude with the shorter side of the codes; with one zero point to try, finer steps are cheap.
        double smallest = format.symmetric() ? share * (maxCode - 1) / maxCode : share / (1 + 1 / maxCode);
        double factor = Math.pow(smallest, 1.0 / steps);
        return new ScaleScan(steps, format.symmetric() ? Math.sqrt(factor) : factor);
    }
}
