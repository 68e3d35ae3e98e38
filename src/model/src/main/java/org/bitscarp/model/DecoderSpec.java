package org.bitscarp.model;

/**
 * The shape of a decoder-only transformer of the Llama family.
 *
 * @param architecture the name that the checkpoint gives it, e.g. {@code LlamaForCausalLM}
 * @param vocabulary rows of the embedding
 * @param hidden width of the residual stream
 * @param layers number of decoder layers
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim width of one head; not always {@code hidden / heads}
 * @param ffn width of the gated MLP
 * @param normEpsilon added to the mean square in RMS norm
 * @param rope rotary position embedding
 * @param tiedHead whether the output projection is the embedding
 * @param maxPositions context length that the model was made for
 */
public record DecoderSpec(
        String architecture,
        int vocabulary,
        int hidden,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int ffn,
        float normEpsilon,
        Rope rope,
        boolean tiedHead,
        int maxPositions) {}
