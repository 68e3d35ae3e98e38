package org.bitscarp.eval.protocol;

/**
 * A run of tokens that the model sees at once, and the part of it that is scored.
 *
 * @param start index of its first token in the text
 * @param length number of tokens
 * @param bosFirst whether the first token is overwritten by BOS
 * @param scoreFrom first scored position: position i predicts token i + 1 of the window
 * @param scoreTo behind the last scored position; at most {@code length − 1}
 */
public record Window(int start, int length, boolean bosFirst, int scoreFrom, int scoreTo) {
    public Window {
        if (start < 0 || length < 2 || scoreFrom < 0 || scoreFrom >= scoreTo || scoreTo > length - 1) {
            throw new IllegalArgumentException("a window of " + length + " tokens at " + start
                    + " cannot score positions " + scoreFrom + " to " + scoreTo);
        }
    }

    /** Number of scored positions. */
    public int scored() {
        return scoreTo - scoreFrom;
    }
}
