package org.bitscarp.compute;

/**
 * How rows and columns of queries, keys and values split into windows and heads.
 *
 * @param length tokens in a window; a tensor of {@code w × length} rows holds {@code w} windows that do not see each
 *     other
 * @param heads query heads
 * @param kvHeads key and value heads; query head {@code h} reads head {@code h / (heads / kvHeads)}
 * @param headDim columns of one head
 * @param scale multiplies query-key products; 1/√headDim in most models (Vaswani et al. 2017, section 3.2.1)
 * @param softCap c in c·tanh(score / c), applied after {@code scale}, or 0 for none
 * @param window tokens that a token sees, itself included, or 0 for all before it
 */
public record AttentionShape(int length, int heads, int kvHeads, int headDim, float scale, float softCap, int window) {
    public AttentionShape {
        if (length < 1 || heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0 || window < 0) {
            throw new IllegalArgumentException("attention over windows of " + length + " tokens with " + heads
                    + " heads, " + kvHeads + " key/value heads of " + headDim + ", each token seeing " + window
                    + ": all must be positive, and the key/value heads must divide the heads");
        }
    }

    /** Plain causal attention, scores divided by √headDim. */
    public AttentionShape(int length, int heads, int kvHeads, int headDim) {
        this(length, heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), 0, 0);
    }

    /** The first row, from 0, that row {@code row} of a window sees. */
    public int firstVisible(int row) {
        return window == 0 ? 0 : Math.max(0, row - window + 1);
    }
}
