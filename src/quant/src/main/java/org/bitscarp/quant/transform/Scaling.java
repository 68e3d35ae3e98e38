package org.bitscarp.quant.transform;

/**
 * One factor for each channel: weights that read it are multiplied, activations divided. A channel whose factor is 0 (a
 * norm's gain that closes it) carries nothing either way.
 */
public record Scaling(float[] factors) implements Basis {
    @Override
    public int size() {
        return factors.length;
    }

    @Override
    public void apply(float[] x) {
        divide(x);
    }

    @Override
    public void undo(float[] x) {
        multiply(x);
    }

    @Override
    public void applyToRow(float[] w) {
        multiply(w);
    }

    @Override
    public void undoOnRow(float[] w) {
        divide(w);
    }

    private void multiply(float[] x) {
        for (int i = 0; i < factors.length; i++) {
            x[i] *= factors[i];
        }
    }

    private void divide(float[] x) {
        for (int i = 0; i < factors.length; i++) {
            x[i] = factors[i] == 0 ? 0 : x[i] / factors[i];
        }
    }
}
