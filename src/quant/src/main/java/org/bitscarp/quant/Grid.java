package org.bitscarp.quant;

/**
 * The values that the weights of one block may take, once its parameters (scale, zero point, …) are fitted.
 *
 * <p>Splitting "fit the grid" from "take the nearest point" is what lets any solver run on any storage format: error
 * feedback fits a grid, then rounds one weight after another onto it.
 */
public interface Grid {
    /**
     * The code whose value lies nearest to a weight; out of range saturates.
     *
     * @param position index of the weight within its block (formats with sub-blocks have a scale for each)
     */
    int nearest(int position, float weight);

    /** The value that a code stands for, exactly what the packed bytes decode to. */
    float value(int position, int code);

    /** Rounds {@code length} weights, from {@code w[from]} (position 0 of the block) on, into {@code codes[0..length)}. */
    default void nearest(float[] w, int from, int length, int[] codes) {
        for (int i = 0; i < length; i++) {
            codes[i] = nearest(i, w[from + i]);
        }
    }
}
