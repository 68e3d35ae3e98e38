package org.bitscarp.model;

/**
 * Rotary position embedding, its scaling already applied.
 *
 * @param inverseFrequencies radians per position of each of the {@code headDim / 2} pairs
 * @param attentionFactor multiplies cosines and sines (YaRN's "mscale"; 1 elsewhere)
 * @param interleaved pairs are (2i, 2i+1) as in llama2.c; otherwise (i, i + headDim/2) as in Hugging Face checkpoints
 */
public record Rope(double[] inverseFrequencies, double attentionFactor, boolean interleaved) {}
