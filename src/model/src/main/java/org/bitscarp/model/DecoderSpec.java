package org.bitscarp.model;

import java.util.List;

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
        int maxPositions) {

    /** Shape that the tensor with a role has: {@code [out, in]} for linear maps, {@code [n]} for norms and biases. */
    public List<Long> shape(TensorRole role) {
        long queries = (long) heads * headDim;
        long keys = (long) kvHeads * headDim;
        return switch (role) {
            case EMBEDDING, HEAD -> List.of((long) vocabulary, (long) hidden);
            case FINAL_NORM, ATTENTION_NORM, MLP_NORM, OUTPUT_BIAS, DOWN_BIAS -> List.of((long) hidden);
            case QUERY -> List.of(queries, (long) hidden);
            case KEY, VALUE -> List.of(keys, (long) hidden);
            case OUTPUT -> List.of((long) hidden, queries);
            case QUERY_BIAS -> List.of(queries);
            case KEY_BIAS, VALUE_BIAS -> List.of(keys);
            case GATE, UP -> List.of((long) ffn, (long) hidden);
            case DOWN -> List.of((long) hidden, (long) ffn);
            case GATE_BIAS, UP_BIAS -> List.of((long) ffn);
        };
    }
}
