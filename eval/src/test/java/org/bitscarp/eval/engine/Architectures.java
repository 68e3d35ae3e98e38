package org.bitscarp.eval.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.DecoderSpec.Residual;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.Rope;
import org.bitscarp.model.TensorRole;

/** Tiny models of each kind of decoder: 2 layers (4 where layers differ), hidden 32, 4 heads of 8, vocabulary 120. */
final class Architectures {
    static final int VOCABULARY = 120;
    private static final int HIDDEN = 32;
    private static final int HEAD = 8;
    private static final int WIDTH = 64;
    static final int EXPERTS = 6;

    private AttentionSpec attention = AttentionSpec.full(4, 2, HEAD, rope(HEAD / 2, 10_000));
    private MlpSpec mlp = MlpSpec.gated(WIDTH);
    private NormSpec norm = NormSpec.rms(1e-5f);
    private Residual residual = Residual.SEQUENTIAL;
    private float embeddingScale = 1;
    private float logitSoftCap;
    private int activationBits;
    private int layers = 2;
    private final Set<TensorRole> roles = EnumSet.of(
            TensorRole.EMBEDDING,
            TensorRole.HEAD,
            TensorRole.FINAL_NORM,
            TensorRole.ATTENTION_NORM,
            TensorRole.MLP_NORM,
            TensorRole.QUERY,
            TensorRole.KEY,
            TensorRole.VALUE,
            TensorRole.OUTPUT,
            TensorRole.GATE,
            TensorRole.UP,
            TensorRole.DOWN);
    private IntPredicate routed = layer -> false;

    private Architectures() {}

    static final List<String> NAMES = List.of(
            "llama",
            "mistral",
            "qwen2",
            "qwen3",
            "gemma",
            "neox",
            "gpt2",
            "post-norm",
            "bitnet",
            "mixtral",
            "qwen3-moe");

    static RandomDecoder of(String name) {
        Architectures a = new Architectures();
        switch (name) {
            case "llama" -> {}
            case "mistral" -> a.attention = windows(a.attention, 5, 5);
            case "qwen2" -> a.with(TensorRole.QUERY_BIAS, TensorRole.KEY_BIAS, TensorRole.VALUE_BIAS);
            case "qwen3" -> a.with(TensorRole.QUERY_NORM, TensorRole.KEY_NORM);
            case "gemma" -> a.gemma();
            case "neox" -> a.neox();
            case "gpt2" -> a.learnedPositions(Activation.GELU_TANH);
            case "post-norm" -> a.postNorm();
            case "bitnet" -> a.bitnet();
            case "mixtral" -> a.experts(2, true, layer -> true);
            case "qwen3-moe" -> {
                a.layers = 4;
                a.experts(3, false, layer -> layer % 2 == 1);
            }
            default -> throw new IllegalArgumentException(name);
        }
        return a.build();
    }

    /** A routed model where few tokens reach few of many experts. */
    static RandomDecoder routed(int experts, int perToken) {
        Architectures a = new Architectures();
        a.experts(perToken, true, layer -> true);
        a.mlp = new MlpSpec(0, Activation.SILU, experts, perToken, 32, true);
        return a.build();
    }

    private void gemma() {
        layers = 4;
        embeddingScale = (float) Math.sqrt(HIDDEN);
        logitSoftCap = 3;
        attention = new AttentionSpec(
                4, 2, HEAD, 0.4f, 2, List.of(6, 0, 6, 0), rope(HEAD / 2, 1_000_000), rope(HEAD / 2, 10_000));
        mlp = MlpSpec.dense(WIDTH, Activation.GELU_TANH);
        with(TensorRole.ATTENTION_POST_NORM, TensorRole.MLP_POST_NORM, TensorRole.QUERY_NORM, TensorRole.KEY_NORM);
    }

    private void layerNorms() {
        norm = NormSpec.layer(1e-5f);
        with(
                TensorRole.ATTENTION_NORM_BIAS,
                TensorRole.MLP_NORM_BIAS,
                TensorRole.FINAL_NORM_BIAS,
                TensorRole.QUERY_BIAS,
                TensorRole.KEY_BIAS,
                TensorRole.VALUE_BIAS,
                TensorRole.OUTPUT_BIAS,
                TensorRole.UP_BIAS,
                TensorRole.DOWN_BIAS);
        roles.remove(TensorRole.GATE);
    }

    private void neox() {
        layerNorms();
        residual = Residual.PARALLEL;
        attention = AttentionSpec.full(4, 4, HEAD, rope(HEAD / 8, 10_000));
        mlp = MlpSpec.dense(WIDTH, Activation.GELU);
    }

    private void learnedPositions(Activation activation) {
        layerNorms();
        attention = AttentionSpec.full(4, 4, HEAD, null);
        mlp = MlpSpec.dense(WIDTH, activation);
        with(TensorRole.POSITION_EMBEDDING);
    }

    private void postNorm() {
        learnedPositions(Activation.RELU);
        residual = Residual.POST_NORM;
        roles.removeAll(List.of(TensorRole.FINAL_NORM, TensorRole.FINAL_NORM_BIAS));
    }

    private void bitnet() {
        activationBits = 8;
        mlp = MlpSpec.dense(WIDTH, Activation.RELU_SQUARED);
        with(TensorRole.ATTENTION_SUB_NORM, TensorRole.MLP_SUB_NORM);
    }

    private void experts(int perToken, boolean normalized, IntPredicate routed) {
        mlp = new MlpSpec(WIDTH, Activation.SILU, EXPERTS, perToken, 32, normalized);
        this.routed = routed;
        with(TensorRole.ROUTER, TensorRole.EXPERT_GATE, TensorRole.EXPERT_UP, TensorRole.EXPERT_DOWN);
    }

    private void with(TensorRole... more) {
        roles.addAll(Arrays.asList(more));
    }

    private static AttentionSpec windows(AttentionSpec a, Integer... windows) {
        return new AttentionSpec(a.heads(), a.kvHeads(), a.headDim(), a.scale(), 0, List.of(windows), a.rope(), null);
    }

    private static Rope rope(int pairs, double base) {
        double[] frequencies = new double[pairs];
        for (int i = 0; i < pairs; i++) {
            frequencies[i] = Math.pow(base, -(double) i / pairs);
        }
        return new Rope(frequencies, 1);
    }

    private RandomDecoder build() {
        DecoderSpec spec = new DecoderSpec(
                "Random",
                VOCABULARY,
                HIDDEN,
                layers,
                attention,
                mlp,
                norm,
                residual,
                embeddingScale,
                logitSoftCap,
                activationBits,
                false,
                64);
        Map<TensorRole, IntPredicate> present = RandomDecoder.everywhere(roles);
        for (TensorRole role : new ArrayList<>(roles)) {
            if (role == TensorRole.ROUTER || role.perExpert()) {
                present.put(role, routed);
            } else if (role == TensorRole.GATE || role == TensorRole.UP || role == TensorRole.DOWN) {
                present.put(role, routed.negate());
            }
        }
        return new RandomDecoder(spec, present);
    }
}
