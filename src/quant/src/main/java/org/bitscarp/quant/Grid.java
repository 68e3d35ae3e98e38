package org.bitscarp.quant;

/**
 * The values that the weights of one block may take, once its parameters (scale, zero point, …) are fitted.
 *
 * <p>Splitting "fit the grid" from "take the nearest point" is what lets any solver run on any storage format: error
 * feedback fits a grid, then rounds one weight after another onto it.
 */
public interface Grid {
    /**
     * The code whose value lies nearest to a weight; out of range saturates, NaN gets the code of zero (its own code in
     * formats that have NaN).
     *
     * @param position index of the weight within its block (formats with sub-blocks have a scale for each)
     */
    int nearest(int position, float weight);

    /** The value that a code stands for, exactly what the packed bytes decode to. */
    float value(int position, int code);

    /**
     * Rounds {@code length} weights, from {@code w[from]} (position 0 of the block) on, into {@code codes[0..length)}.
     */
    default void nearest(float[] w, int from, int length, int[] codes) {
        for (int i = 0; i < length; i++) {
            codes[i] = nearest(i, w[from + i]);
        }
    }

    /** The values of {@code codes[0..length)} (positions 0 on), into {@code w[from, from+length)}. */
    default void values(int[] codes, int length, float[] w, int from) {
        for (int i = 0; i < length; i++) {
            w[from + i] = value(i, codes[i]);
        }
    }

    /**
     * Values that lie evenly: value = scale × (code − zero) + offset, and the code of a weight is clamp(round((w − offset) /
     * scale) + zero), ties to even.
     *
     * @param scale not 0
     * @param offset −0 for none
     */
    record Even(float scale, float offset, int zero, int minCode, int maxCode) {
        /** Adding and subtracting 1.5·2^23 rounds |x| ≤ 2^22 to an integer, ties to even. */
        public static final float ROUND = 0x1.8p23f;
    }

    /** How weights at a position and those of the same part are rounded; null where it is not evenly. */
    default Even even(int position) {
        return null;
    }

    /** Weights that have a scale of their own, from position 0 on; where there is one scale, all of them. */
    default int partLength() {
        return Integer.MAX_VALUE;
    }

    /**
     * What a code stands for before the scale and offset of its part: value = scale × level + offset.
     *
     * @throws UnsupportedOperationException where the format does not {@linkplain BlockFormat#refits refit} its grids
     */
    default float level(int code) {
        throw new UnsupportedOperationException("this grid's parameters are not fitted to codes");
    }

    /**
     * What is added to scale × level at a position.
     *
     * @throws UnsupportedOperationException as {@link #level}, and where the grid has one part
     */
    default float offset(int position) {
        throw new UnsupportedOperationException("this grid's parts share no scale");
    }

    /** How often fitting this grid had to leave the rule that the format's name promises; see {@link SolveStats}. */
    default int fallbacks() {
        return 0;
    }
}
