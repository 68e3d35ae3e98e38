package org.bitscarp.eval.protocol;

/**
 * Tokens whose end is scored: an answer behind its question.
 *
 * @param tokens the whole of it
 * @param scoreFrom index of the first scored token, at least 1
 */
public record ScoredSequence(int[] tokens, int scoreFrom) {
    public ScoredSequence {
        if (scoreFrom < 1 || scoreFrom >= tokens.length) {
            throw new IllegalArgumentException(
                    "a sequence of " + tokens.length + " tokens cannot be scored from token " + scoreFrom + " on");
        }
    }

    /** Tokens that the model reads: all but the last, which it only predicts. */
    int inputs() {
        return tokens.length - 1;
    }

    /** Number of scored tokens. */
    public int scored() {
        return tokens.length - scoreFrom;
    }
}
