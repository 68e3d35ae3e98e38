package org.bitscarp.quant.transform;

/**
 * An invertible linear map T of activations, x' = T·x. A linear map that reads x' instead of x has the weights W·T⁻¹, so a
 * row w of it becomes T⁻ᵀ·w; one that writes y' = T·y has T·W.
 */
public interface Basis {
    /** Number of channels. */
    int size();

    /** x ← T·x. */
    void apply(float[] x);

    /** x ← T⁻¹·x. */
    void undo(float[] x);

    /** w ← T⁻ᵀ·w: a row of weights that reads the channels. */
    void applyToRow(float[] w);

    /** w ← Tᵀ·w. */
    void undoOnRow(float[] w);

    /** A basis that keeps lengths and angles: T⁻ᵀ = T. */
    interface Orthogonal extends Basis {
        @Override
        default void applyToRow(float[] w) {
            apply(w);
        }

        @Override
        default void undoOnRow(float[] w) {
            undo(w);
        }
    }
}
