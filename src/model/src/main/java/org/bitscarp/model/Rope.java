package org.bitscarp.model;

/**
 * Rotary position embedding, its scaling already applied. The first {@code 2 × inverseFrequencies.length} values of a head
 * are rotated, value i with value {@code i + inverseFrequencies.length}; the others stay. Files that pair
 * neighbours are read with their query and key rows reordered.
 *
 * @param inverseFrequencies radians per position of each pair
 * @param attentionFactor multiplies cosines and sines (YaRN's "mscale"; 1 elsewhere)
 * @param beyond what holds in windows longer than its threshold (LongRoPE), or null
 */
public record Rope(double[] inverseFrequencies, double attentionFactor, Longer beyond) {
    /**
     * Other frequencies for long windows.
     *
     * @param threshold longest window, in tokens, that still uses the ordinary frequencies
     */
    public record Longer(int threshold, double[] inverseFrequencies) {}

    public Rope(double[] inverseFrequencies, double attentionFactor) {
        this(inverseFrequencies, attentionFactor, null);
    }

    /** Radians per position of each pair in a window of {@code length} tokens. */
    public double[] frequencies(int length) {
        return beyond != null && length > beyond.threshold ? beyond.inverseFrequencies : inverseFrequencies;
    }
}
