package org.bitscarp.quant;

import java.util.ArrayList;
import java.util.List;

/**
 * What is done to weights before they are rounded and undone on the other side of each linear map, so that the model in
 * full precision stays the same: rotations first, then channel scales.
 *
 * @param rotation which rotations
 * @param seed of their random signs
 * @param channelScales whether input channels are scaled by what calibration says of them (AWQ, arXiv 2306.00978)
 */
public record Transform(Rotation rotation, int seed, boolean channelScales) {
    /** Weights as they are. The default. */
    public static final Transform IDENTITY = new Transform(Rotation.NONE, 0, false);

    /** Rotations of activations by Hadamard matrices with random signs (QuIP#, arXiv 2402.04396; QuaRot, 2404.00456). */
    public enum Rotation {
        NONE(null),
        /** Those that neighbouring weights can take over: the residual stream, and values of each head. */
        FOLDED("hadamard"),
        /** The same, and every other input of a linear map, which a runtime has to rotate itself. */
        ONLINE("hadamard-online");

        private final String word;

        Rotation(String word) {
            this.word = word;
        }
    }

    static final String CHANNEL_SCALES = "awq";
    static final String SEED = "seed";

    public Transform {
        if (rotation == Rotation.NONE && seed != 0) {
            throw new IllegalArgumentException("a seed of signs without a rotation");
        }
    }

    /** Whether nothing is done. */
    public boolean identity() {
        return equals(IDENTITY);
    }

    /** Whether a model written with this has the architecture of the plain one; runtimes know no other. */
    public boolean folded() {
        return rotation != Rotation.ONLINE;
    }

    /** The words of a level string; none for the identity. */
    List<String> words() {
        List<String> words = new ArrayList<>();
        if (rotation != Rotation.NONE) {
            words.add(rotation.word);
        }
        if (seed != 0) {
            words.add(SEED + seed);
        }
        if (channelScales) {
            words.add(CHANNEL_SCALES);
        }
        return words;
    }

    /** Takes its words out of a level's. */
    static Transform read(Modifiers modifiers) {
        boolean scales = modifiers.optional(CHANNEL_SCALES) != null;
        String word = modifiers.optional(Rotation.FOLDED.word, Rotation.ONLINE.word);
        Rotation rotation =
                word == null ? Rotation.NONE : word.equals(Rotation.FOLDED.word) ? Rotation.FOLDED : Rotation.ONLINE;
        return new Transform(rotation, rotation == Rotation.NONE ? 0 : modifiers.number(SEED, 0), scales);
    }

    /** The words, joined by colons; {@code none} for the identity. */
    @Override
    public String toString() {
        return identity() ? "none" : String.join(":", words());
    }
}
