package org.bitscarp.eval;

import org.bitscarp.model.DecoderSpec;

/**
 * How much of a calibration text is used, in windows of what length. Where nothing is said of it, windows are as long as the
 * model was made for, at most {@link #LONGEST}: second moments are then those of inputs at all positions, and do not depend on
 * how a text is measured, so that every command makes the same bytes of the same text.
 *
 * @param tokens of the text at most; of no meaning where samples are given
 * @param samples windows; 0 for as many as those tokens make
 * @param context tokens in a window; 0 for the model's
 */
public record CalibrationSize(int tokens, int samples, int context) {
    /** Window of the published calibrations (GPTQ, arXiv 2210.17323, section 4: 128 segments of 2048 tokens). */
    private static final int LONGEST = 2048;

    /** Tokens in a window for a model; no more than there are to be where the length is left to it. */
    public int contextFor(DecoderSpec model) {
        if (context > 0) {
            return context;
        }
        int own = Math.min(LONGEST, model.maxPositions());
        return samples > 0 ? own : Math.min(own, tokens);
    }

    /** Tokens of the text at most. */
    public int tokensFor(DecoderSpec model) {
        return samples > 0 ? (int) Math.min(Integer.MAX_VALUE, (long) samples * contextFor(model)) : tokens;
    }
}
