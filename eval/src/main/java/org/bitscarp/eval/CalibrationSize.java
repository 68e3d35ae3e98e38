package org.bitscarp.eval;

/**
 * How much of a calibration text is used, in windows of what length.
 *
 * @param tokens of the text at most
 * @param context tokens in a window
 */
public record CalibrationSize(int tokens, int context) {
    /** A number of windows. */
    public static CalibrationSize ofSamples(int samples, int context) {
        return new CalibrationSize((int) Math.min(Integer.MAX_VALUE, (long) samples * context), context);
    }
}
