package org.bitscarp.eval.generate;

/**
 * A continuation that ends in the same tokens again and again.
 *
 * @param onset index of the first token of the first round
 * @param period tokens in a round
 */
public record Loop(int onset, int period) {
    /** Rounds that make a loop of a repetition; two of anything are ordinary prose. */
    private static final int ROUNDS = 3;
    /** Tokens that it must cover, so that a dash drawn of three tokens is none. */
    private static final int TOKENS = 12;

    /**
     * The loop that a sequence ends in, or null: the period p for which x[i] = x[i − p] holds from the earliest index up
     * to the end, over at least three rounds and twelve tokens; of equals the shortest.
     */
    public static Loop of(int[] tokens) {
        Loop best = null;
        for (int period = 1; period * ROUNDS <= tokens.length; period++) {
            int i = tokens.length - 1;
            while (i >= period && tokens[i] == tokens[i - period]) {
                i--;
            }
            int onset = i + 1 - period;
            int length = tokens.length - onset;
            if (length >= Math.max(ROUNDS * period, TOKENS) && (best == null || onset < best.onset)) {
                best = new Loop(onset, period);
            }
        }
        return best;
    }
}
