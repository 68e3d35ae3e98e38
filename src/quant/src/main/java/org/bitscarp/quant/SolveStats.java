package org.bitscarp.quant;

/**
 * What happened while a matrix was quantized. Not thread-safe: one per row range, merged with {@link #add}.
 *
 * <p>A fallback is anything that the level's name does not promise (a scale clamped to fp16's range, a block stored
 * shorter, a dead column); it is counted so that a report can show it.
 */
public final class SolveStats {
    /** Sum of squared differences between weights and their decoded values. */
    public double squaredError;
    /** Sum of squared weights. */
    public double squaredWeights;
    /** Weights seen. */
    public long weights;
    /** Weights that are NaN or infinite before quantization. */
    public long nonfinite;
    /** Blocks or columns that needed a rule other than the one that the level names. */
    public long fallbacks;
    /** Those of the fallbacks that are experts which no calibration token was sent to. */
    public long unsampled;

    public void add(SolveStats other) {
        squaredError += other.squaredError;
        squaredWeights += other.squaredWeights;
        weights += other.weights;
        nonfinite += other.nonfinite;
        fallbacks += other.fallbacks;
        unsampled += other.unsampled;
    }

    /** Relative root-mean-square error, ‖W − Ŵ‖ / ‖W‖; 0 for an all-zero matrix that is kept exactly. */
    public double relativeError() {
        return squaredError == 0 ? 0 : Math.sqrt(squaredError / squaredWeights);
    }
}
