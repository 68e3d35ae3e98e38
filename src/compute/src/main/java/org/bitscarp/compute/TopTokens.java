package org.bitscarp.compute;

import java.util.Arrays;

/**
 * The most likely tokens of some rows of logits while the vocabulary goes by in slices. Memory is rows × {@value #COUNT},
 * whatever the vocabulary.
 */
public final class TopTokens {
    /** Tokens kept of each row. */
    public static final int COUNT = 5;

    /** [rows, COUNT], each row from the greatest logit down. */
    private final float[] logits;

    private final int[] tokens;
    private final int rows;

    public TopTokens(int rows) {
        this.rows = rows;
        logits = new float[rows * COUNT];
        tokens = new int[rows * COUNT];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        Arrays.fill(tokens, -1);
    }

    public int rows() {
        return rows;
    }

    /** What a logit has to exceed to be kept. */
    public float least(int row) {
        return logits[row * COUNT + COUNT - 1];
    }

    /** Takes a logit in. Of equal ones the first offered stays before the later; NaN is never kept. */
    public void offer(int row, float logit, int token) {
        int first = row * COUNT;
        int at = first + COUNT - 1;
        if (!(logit > logits[at])) {
            return;
        }
        while (at > first && logit > logits[at - 1]) {
            logits[at] = logits[at - 1];
            tokens[at] = tokens[at - 1];
            at--;
        }
        logits[at] = logit;
        tokens[at] = token;
    }

    /** The token of a row with that many above it; −1 where the vocabulary has no more. */
    public int token(int row, int rank) {
        return tokens[row * COUNT + rank];
    }

    /** How many of the {@value #COUNT} most likely tokens of a row are among the other's, in any order. */
    public int shared(TopTokens other, int row) {
        int shared = 0;
        for (int i = 0; i < COUNT; i++) {
            for (int j = 0; j < COUNT && token(row, i) >= 0; j++) {
                shared += token(row, i) == other.token(row, j) ? 1 : 0;
            }
        }
        return shared;
    }
}
