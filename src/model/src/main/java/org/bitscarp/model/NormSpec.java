package org.bitscarp.model;

/**
 * The norms of a decoder.
 *
 * @param kind which mean is taken out
 * @param epsilon added to the mean square or the variance
 */
public record NormSpec(Kind kind, float epsilon) {
    public enum Kind {
        /** Root mean square (Zhang and Sennrich 2019). */
        RMS,
        /** Mean and variance (Ba et al. 2016), with a bias. */
        LAYER
    }

    public static NormSpec rms(float epsilon) {
        return new NormSpec(Kind.RMS, epsilon);
    }

    public static NormSpec layer(float epsilon) {
        return new NormSpec(Kind.LAYER, epsilon);
    }
}
