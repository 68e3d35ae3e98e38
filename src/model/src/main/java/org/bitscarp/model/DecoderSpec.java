package org.bitscarp.model;

import java.util.List;

/**
 * A decoder-only transformer, described: everything that tells one architecture's forward pass from another's and is not
 * a weight. What a layer's optional weights do (biases, query and key norms, norms behind a block) follows from which
 * {@link TensorRole}s the checkpoint has.
 *
 * @param architecture the name that the checkpoint gives it, e.g. {@code LlamaForCausalLM}
 * @param vocabulary rows of the embedding
 * @param hidden width of the residual stream
 * @param layers number of decoder layers
 * @param attention heads, positions, masks
 * @param mlp feed-forward block, dense or routed
 * @param norm what all norms of the residual stream are
 * @param residual how blocks and residual stream are wired
 * @param embeddingScale multiplies token embeddings (√hidden for Gemma), else 1
 * @param logitSoftCap c in c·tanh(logit / c), or 0 for none
 * @param activationBits 8 where linear maps inside the layers read activations rounded per token to 8 bits (BitNet
 *     b1.58), else 0
 * @param tiedHead whether the output projection is the embedding
 * @param maxPositions context length that the model was made for
 */
public record DecoderSpec(
        String architecture,
        int vocabulary,
        int hidden,
        int layers,
        AttentionSpec attention,
        MlpSpec mlp,
        NormSpec norm,
        Residual residual,
        float embeddingScale,
        float logitSoftCap,
        int activationBits,
        boolean tiedHead,
        int maxPositions) {

    /** How the two blocks of a layer meet the residual stream x. */
    public enum Residual {
        /** x += attention(norm(x)), then x += mlp(norm(x)). */
        SEQUENTIAL,
        /** x += attention(norm₁(x)) + mlp(norm₂(x)) (Wang and Komatsuzaki 2021; GPT-NeoX). */
        PARALLEL,
        /** x = norm(x + attention(x)), then x = norm(x + mlp(x)) (Vaswani et al. 2017; OPT-350m). */
        POST_NORM
    }

    /** A model of the Llama shape: RMS norms, gated SiLU, rotary positions, nothing else. */
    public static DecoderSpec llama(
            String architecture,
            int vocabulary,
            int hidden,
            int layers,
            AttentionSpec attention,
            int ffn,
            float normEpsilon,
            boolean tiedHead,
            int maxPositions) {
        return new DecoderSpec(
                architecture,
                vocabulary,
                hidden,
                layers,
                attention,
                MlpSpec.gated(ffn),
                NormSpec.rms(normEpsilon),
                Residual.SEQUENTIAL,
                1,
                0,
                0,
                tiedHead,
                maxPositions);
    }

    /** The same decoder with linear maps inside the layers reading activations rounded to {@code bits}. */
    public DecoderSpec withActivationBits(int bits) {
        return new DecoderSpec(
                architecture,
                vocabulary,
                hidden,
                layers,
                attention,
                mlp,
                norm,
                residual,
                embeddingScale,
                logitSoftCap,
                bits,
                tiedHead,
                maxPositions);
    }

    /** The same decoder with an output projection of its own. */
    public DecoderSpec withOwnHead() {
        return new DecoderSpec(
                architecture,
                vocabulary,
                hidden,
                layers,
                attention,
                mlp,
                norm,
                residual,
                embeddingScale,
                logitSoftCap,
                activationBits,
                false,
                maxPositions);
    }

    /** Shape of a weight: {@code [out, in]} for linear maps, {@code [n]} for norms and biases. */
    public List<Long> shape(TensorRole role) {
        long width = hidden;
        long queries = (long) attention.heads() * attention.headDim();
        long keys = (long) attention.kvHeads() * attention.headDim();
        long ffn = mlp.width();
        long experts = mlp.experts();
        long expertWidth = mlp.expertWidth();
        return switch (role) {
            case EMBEDDING, HEAD -> List.of((long) vocabulary, width);
            case POSITION_EMBEDDING -> List.of((long) maxPositions, width);
            case FINAL_NORM,
                    FINAL_NORM_BIAS,
                    ATTENTION_NORM,
                    ATTENTION_NORM_BIAS,
                    ATTENTION_POST_NORM,
                    MLP_NORM,
                    MLP_NORM_BIAS,
                    MLP_POST_NORM,
                    OUTPUT_BIAS,
                    DOWN_BIAS -> List.of(width);
            case QUERY -> List.of(queries, width);
            case KEY, VALUE -> List.of(keys, width);
            case OUTPUT -> List.of(width, queries);
            case QUERY_BIAS, ATTENTION_SUB_NORM -> List.of(queries);
            case KEY_BIAS, VALUE_BIAS -> List.of(keys);
            case QUERY_NORM, KEY_NORM -> List.of((long) attention.headDim());
            case GATE, UP -> List.of(ffn, width);
            case DOWN -> List.of(width, ffn);
            case GATE_BIAS, UP_BIAS, MLP_SUB_NORM -> List.of(ffn);
            case ROUTER -> List.of(experts, width);
            case EXPERT_GATE, EXPERT_UP -> List.of(experts * expertWidth, width);
            case EXPERT_DOWN -> List.of(experts * width, expertWidth);
        };
    }
}
