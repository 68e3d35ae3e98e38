package org.bitscarp.model;

/**
 * What a weight does in a decoder-only transformer, whatever a file calls it. Shapes are {@code [out, in]} for linear
 * maps, {@code [n]} for norms and biases; {@link DecoderSpec#shape} tells them. Experts of a layer are stacked.
 */
public enum TensorRole {
    EMBEDDING(Kind.MODEL),
    /** Learned positions, row 0 for the first token of a window. */
    POSITION_EMBEDDING(Kind.MODEL),
    FINAL_NORM(Kind.MODEL),
    FINAL_NORM_BIAS(Kind.MODEL),
    /** Output projection to the vocabulary; absent where it is tied to {@link #EMBEDDING}. */
    HEAD(Kind.MODEL),
    ATTENTION_NORM(Kind.LAYER),
    ATTENTION_NORM_BIAS(Kind.LAYER),
    QUERY(Kind.LINEAR),
    KEY(Kind.LINEAR),
    VALUE(Kind.LINEAR),
    OUTPUT(Kind.LINEAR),
    QUERY_BIAS(Kind.LAYER),
    KEY_BIAS(Kind.LAYER),
    VALUE_BIAS(Kind.LAYER),
    OUTPUT_BIAS(Kind.LAYER),
    /** RMS norm of each query head, before the rotation (Qwen 3, Gemma 3). */
    QUERY_NORM(Kind.LAYER),
    KEY_NORM(Kind.LAYER),
    /** Norm of the mixed values, before the output projection (BitNet b1.58). */
    ATTENTION_SUB_NORM(Kind.LAYER),
    /** Norm of what attention adds to the residual stream (Gemma 2 and 3). */
    ATTENTION_POST_NORM(Kind.LAYER),
    MLP_NORM(Kind.LAYER),
    MLP_NORM_BIAS(Kind.LAYER),
    GATE(Kind.LINEAR),
    UP(Kind.LINEAR),
    DOWN(Kind.LINEAR),
    GATE_BIAS(Kind.LAYER),
    UP_BIAS(Kind.LAYER),
    DOWN_BIAS(Kind.LAYER),
    /** Norm of the gated product, before the down projection (BitNet b1.58). */
    MLP_SUB_NORM(Kind.LAYER),
    /** Norm of what the feed-forward block adds to the residual stream (Gemma 2 and 3). */
    MLP_POST_NORM(Kind.LAYER),
    /** One row of scores per expert. Small, and a wrong expert is worse than a wrong weight: never quantized. */
    ROUTER(Kind.LAYER),
    EXPERT_GATE(Kind.LINEAR),
    EXPERT_UP(Kind.LINEAR),
    EXPERT_DOWN(Kind.LINEAR);

    private enum Kind {
        MODEL,
        LAYER,
        LINEAR
    }

    private final Kind kind;

    TensorRole(Kind kind) {
        this.kind = kind;
    }

    /** One per layer, as against one per model. */
    public boolean inLayer() {
        return kind != Kind.MODEL;
    }

    /** One of the linear maps of a layer that quantization is about. */
    public boolean linear() {
        return kind == Kind.LINEAR;
    }

    /** The first, in the order of a layer's work, of the linear maps that read the same input as this one. */
    public TensorRole input() {
        return switch (this) {
            case KEY, VALUE -> QUERY;
            case GATE -> UP;
            case EXPERT_GATE -> EXPERT_UP;
            default -> this;
        };
    }

    /** One matrix for each expert, stacked. */
    public boolean perExpert() {
        return this == EXPERT_GATE || this == EXPERT_UP || this == EXPERT_DOWN;
    }
}
