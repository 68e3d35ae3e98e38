package org.bitscarp.model;

import org.bitscarp.compute.Activation;

/**
 * The feed-forward block. A layer is routed where the checkpoint has a {@link TensorRole#ROUTER} for it, gated where it has
 * a gate.
 *
 * @param width inner width of a dense layer; 0 where all layers are routed
 * @param activation applied to the gate, or to the up projection where there is no gate
 * @param experts number of experts, or 0
 * @param expertsPerToken experts that each token is sent to
 * @param expertWidth inner width of an expert
 * @param normalizedWeights whether the weights of a token's experts are divided by their sum
 */
public record MlpSpec(
        int width,
        Activation activation,
        int experts,
        int expertsPerToken,
        int expertWidth,
        boolean normalizedWeights) {

    public static MlpSpec dense(int width, Activation activation) {
        return new MlpSpec(width, activation, 0, 0, 0, false);
    }

    /** SwiGLU (Shazeer 2020). */
    public static MlpSpec gated(int width) {
        return dense(width, Activation.SILU);
    }
}
