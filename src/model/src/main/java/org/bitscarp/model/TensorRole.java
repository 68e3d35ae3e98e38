package org.bitscarp.model;

/**
 * What a tensor does in a decoder-only transformer, whatever a file calls it. Shapes are {@code [out, in]} for linear
 * maps, {@code [n]} for norms and biases.
 */
public enum TensorRole {
    EMBEDDING(false, false),
    FINAL_NORM(false, false),
    /** Output projection to the vocabulary; absent where it is tied to {@link #EMBEDDING}. */
    HEAD(false, false),
    ATTENTION_NORM(true, false),
    QUERY(true, true),
    KEY(true, true),
    VALUE(true, true),
    OUTPUT(true, true),
    QUERY_BIAS(true, false),
    KEY_BIAS(true, false),
    VALUE_BIAS(true, false),
    OUTPUT_BIAS(true, false),
    MLP_NORM(true, false),
    GATE(true, true),
    UP(true, true),
    DOWN(true, true),
    GATE_BIAS(true, false),
    UP_BIAS(true, false),
    DOWN_BIAS(true, false);

    private final boolean inLayer;
    private final boolean linear;

    TensorRole(boolean inLayer, boolean linear) {
        this.inLayer = inLayer;
        this.linear = linear;
    }

    /** One per layer, as against one per model. */
    public boolean inLayer() {
        return inLayer;
    }

    /** One of the linear maps of a layer: what quantization is about. */
    public boolean linear() {
        return linear;
    }
}
