package org.bitscarp.compute;

/**
 * How rows and columns of queries, keys and values split into windows and heads.
 *
 * @param length tokens in a window; a tensor of {@code w × length} rows holds {@code w} windows that do not see each
 *     other
 * @param heads query heads
 * @param kvHeads key and value heads; query head {@code h} reads head {@code h / (heads / kvHeads)}
 * @param headDim columns of one head
 */
public record AttentionShape(int length, int heads, int kvHeads, int headDim) {
    public AttentionShape {
        if (length < 1 || heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0) {
            throw new IllegalArgumentException("attention over windows of " + length + " tokens with " + heads
                    + " heads, " + kvHeads + " key/value heads of " + headDim + ": all must be positive, and the"
                    + " key/value heads must divide the heads");
        }
    }

    /** Softmax temperature, 1/√headDim (Vaswani et al. 2017, section 3.2.1). */
    public float scale() {
        return (float) (1 / Math.sqrt(headDim));
    }
}
