package org.bitscarp.model;

import java.util.List;

/**
 * The attention of a decoder.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim width of one head; not always {@code hidden / heads}
 * @param scale multiplies query-key products; 1/√headDim (Vaswani et al. 2017, section 3.2.1) in most models
 * @param softCap c in c·tanh(score / c) of Gemma 2, or 0 for none
 * @param windows tokens that each layer sees, itself included, or 0 for all: one entry per layer, or an empty list
 *     where every layer sees all
 * @param rope rotary position embedding, or null where positions are learned
 * @param localRope rotary embedding of layers with a window where it differs (Gemma 3), or null
 */
public record AttentionSpec(
        int heads,
        int kvHeads,
        int headDim,
        float scale,
        float softCap,
        List<Integer> windows,
        Rope rope,
        Rope localRope) {

    public AttentionSpec {
        windows = List.copyOf(windows);
    }

    /** Every layer sees all, scores are divided by √headDim. */
    public static AttentionSpec full(int heads, int kvHeads, int headDim, Rope rope) {
        return new AttentionSpec(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), 0, List.of(), rope, null);
    }

    /** Tokens that a layer sees, itself included; 0 for all. */
    public int window(int layer) {
        return windows.isEmpty() ? 0 : windows.get(layer);
    }

    /** Rotary embedding of a layer, or null. */
    public Rope rope(int layer) {
        return window(layer) > 0 && localRope != null ? localRope : rope;
    }
}
