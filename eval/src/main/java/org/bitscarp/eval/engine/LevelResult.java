package org.bitscarp.eval.engine;

import org.bitscarp.quant.SolveStats;

/**
 * What a sweep measured for one of its rows.
 *
 * @param name of the recipe
 * @param format of the linear maps, in words
 * @param solver that chose their codes
 * @param scores of every token
 * @param quantizedBytes packed size of the matrices that the level quantizes
 * @param quantizedWeights number of their weights
 * @param modelBytes size of the whole model at this level
 * @param stats of all quantized matrices together
 * @param layerErrors ‖h − h_ref‖ / ‖h_ref‖ of the residual stream after each layer
 * @param seconds wall time spent on this level
 */
public record LevelResult(
        String name,
        String format,
        String solver,
        TokenScores scores,
        long quantizedBytes,
        long quantizedWeights,
        long modelBytes,
        SolveStats stats,
        double[] layerErrors,
        double seconds) {
    /** Measured bits per weight over the quantized matrices. */
    public double bitsPerWeight() {
        return 8.0 * quantizedBytes / quantizedWeights;
    }
}
