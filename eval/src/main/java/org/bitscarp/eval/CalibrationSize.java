package org.bitscarp.eval;

import org.bitscarp.model.Checkpoint;

/**
 * How much of a calibration text is used, in windows of what length. Channels that only answer to far-away context show it in
 * long windows alone, so calibration has a context of its own.
 *
 * @param tokens of the text at most
 * @param samples windows, instead of {@code tokens}; 0 where not asked for
 * @param context tokens in a window; 0 for as many as the model was made for, at most {@link #LONGEST}
 */
public record CalibrationSize(int tokens, int samples, int context) {
    /** What papers calibrate with: 128 windows of 2048 tokens (GPTQ, arXiv 2210.17323, section 4). */
    private static final int LONGEST = 2048;

    /** Tokens in a window. */
    public int context(Checkpoint checkpoint) {
        return context > 0 ? context : Math.min(LONGEST, checkpoint.spec().maxPositions());
    }

    /** Tokens of the text. */
    public int tokens(Checkpoint checkpoint) {
        return samples == 0 ? tokens : (int) Math.min(Integer.MAX_VALUE, (long) samples * context(checkpoint));
    }
}
