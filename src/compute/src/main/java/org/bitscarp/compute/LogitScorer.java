package org.bitscarp.compute;

/**
 * Scores tokens from normed hidden states, a tile of the vocabulary at a time: the reference first, then any number of
 * levels against it. What has to stay of the reference's tile for them is the scorer's own affair; tokens × vocabulary never
 * exists. Held by one caller.
 */
public interface LogitScorer {
    /** Entries of the vocabulary in a tile at most. */
    int width();

    /**
     * Where a tile's logits come from: softCap(x·headᵀ).
     *
     * @param x [rows, hidden], final hidden states behind the last norm
     * @param head [n, hidden], the output projection's rows of the tile, n at most {@link #width}
     * @param softCap as {@link Backend#softCap} has it, or 0 for none
     */
    record Logits(Tensor x, Tensor head, float softCap) {}

    /**
     * Which tokens a tile's logits are of: {@code firstToken … firstToken + n − 1}.
     *
     * @param targets the next token of each row, or −1 where none is scored
     */
    record Tile(int firstToken, int[] targets) {}

    /**
     * Takes a tile of the reference's logits into its statistics.
     *
     * @param top receives the most likely tokens; null where nobody asks for them
     */
    void reference(Logits logits, Tile tile, Scores scores, TopTokens top);

    /**
     * Takes the same tile of a level's logits into its statistics, and its cross term with the reference. To be called after
     * {@link #reference} of that tile.
     *
     * @param reference what the reference's tile was taken into
     * @param top receives the most likely tokens; null where nobody asks for them
     */
    void against(Logits logits, Tile tile, Scores reference, Scores scores, TopTokens top);
}
