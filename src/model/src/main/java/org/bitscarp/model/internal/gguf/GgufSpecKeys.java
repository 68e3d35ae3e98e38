package org.bitscarp.model.internal.gguf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.internal.gguf.GgufFamily.Trait;

/**
 * A decoder as the metadata of a GGUF file. What llama.cpp has no key for must be what its architecture does anyway;
 * everything else is refused, since the file would compute something else.
 */
public final class GgufSpecKeys {
    /** llama.cpp scales queries of the 27-billion models by hidden / heads instead, which it tells by these depths. */
    private static final Map<String, Integer> LAYERS_OF_27B = Map.of("gemma2", 46, "gemma3", 62);

    private final String source;
    private final DecoderSpec spec;
    private final GgufFamily family;
    private final GgufKeys keys;
    private final List<String> notes = new ArrayList<>();
    private final Map<String, float[]> tensors = new LinkedHashMap<>();

    private GgufSpecKeys(String source, DecoderSpec spec, GgufFamily family, GgufKeys keys) {
        this.source = source;
        this.spec = spec;
        this.family = family;
        this.keys = keys;
    }

    /**
     * What keys alone do not say.
     *
     * @param tensors constants of the rotation, by name
     * @param notes what llama.cpp does differently from the model
     */
    public record Rest(Map<String, float[]> tensors, List<String> notes) {}

    /**
     * Puts the keys of a decoder.
     *
     * @param source names the model in messages
     * @throws ModelException where llama.cpp's architecture differs from the decoder
     */
    public static Rest put(String source, DecoderSpec spec, GgufFamily family, GgufKeys keys) throws ModelException {
        GgufSpecKeys writer = new GgufSpecKeys(source, spec, family, keys);
        writer.check();
        writer.sizes();
        writer.windows();
        writer.caps();
        if (spec.attention().rope() != null) {
            writer.tensors.putAll(GgufRopeKeys.put(
                    source, family, spec.attention().rope(), spec.attention().headDim(), keys));
        }
        return new Rest(writer.tensors, writer.notes);
    }

    private void check() throws ModelException {
        AttentionSpec attention = spec.attention();
        must(spec.norm().kind() == family.norm(), "norms of kind " + spec.norm().kind());
        must(
                spec.mlp().activation() == family.activation(),
                "activation " + spec.mlp().activation() + " (there it is " + family.activation() + ")");
        must((attention.rope() == null) == family.has(Trait.LEARNED_POSITIONS), "positions of this kind");
        int width = scaleWidth(family, spec.layers(), spec.hidden(), attention.heads(), attention.headDim());
        must(
                Math.abs(attention.scale() * Math.sqrt(width) - 1) <= 1e-6,
                "attention scores scaled by " + attention.scale() + " (there it is 1/√" + width + ")");
        must(
                family.has(Trait.FREE_HEADS) || attention.heads() * attention.headDim() == spec.hidden(),
                attention.heads() + " heads of " + attention.headDim() + " beside a hidden width of " + spec.hidden());
        float usual = family.has(Trait.SCALED_EMBEDDING) ? (float) Math.sqrt(spec.hidden()) : 1;
        must(
                Math.abs(spec.embeddingScale() / usual - 1) <= 1e-6,
                "embeddings multiplied by " + spec.embeddingScale() + " (there it is " + usual + ")");
        must(
                spec.residual() == DecoderSpec.Residual.SEQUENTIAL
                        || spec.residual() == DecoderSpec.Residual.PARALLEL && family.has(Trait.PARALLEL_RESIDUAL),
                "residual stream of kind " + spec.residual());
        must(spec.mlp().experts() == 0 || family.has(Trait.EXPERTS), "routed experts");
        must(spec.mlp().experts() == 0 || spec.mlp().normalizedWeights(), "experts whose weights do not sum to 1");
        must(spec.mlp().experts() > 0 || !family.has(Trait.ONLY_EXPERTS), "dense layers");
        must(spec.tiedHead() || !family.has(Trait.TIED_HEAD), "an output projection besides the embedding");
        if (spec.activationBits() > 0) {
            notes.add("The model rounds activations to " + spec.activationBits()
                    + " bits inside its linear maps, which a GGUF file does not say; scores of the file differ.");
        }
    }

    /** w where llama.cpp multiplies attention scores by 1/√w. */
    static int scaleWidth(GgufFamily family, int layers, int hidden, int heads, int headDim) {
        boolean large = Integer.valueOf(layers).equals(LAYERS_OF_27B.get(family.name()));
        return large ? hidden / heads : headDim;
    }

    static String epsilonKey(GgufFamily family) {
        return family.norm() == NormSpec.Kind.RMS ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
    }

    private void must(boolean holds, String what) throws ModelException {
        if (!holds) {
            throw new ModelException(source + ": " + what + " cannot be written for llama.cpp's architecture "
                    + family.name() + ", which computes something else");
        }
    }

    private void sizes() {
        AttentionSpec attention = spec.attention();
        keys.u32(family.key("block_count"), spec.layers());
        keys.u32(family.key("context_length"), spec.maxPositions());
        keys.u32(family.key("embedding_length"), spec.hidden());
        keys.u32(family.key("feed_forward_length"), feedForward());
        keys.u32(family.key("attention.head_count"), attention.heads());
        keys.u32(family.key("attention.head_count_kv"), attention.kvHeads());
        if (family.has(Trait.FREE_HEADS)) {
            keys.u32(family.key("attention.key_length"), attention.headDim());
            keys.u32(family.key("attention.value_length"), attention.headDim());
        }
        keys.f32(family.key(epsilonKey(family)), spec.norm().epsilon());
        keys.u32(family.key("vocab_size"), spec.vocabulary());
        if (family.has(Trait.PARALLEL_RESIDUAL)) {
            keys.bool(family.key("use_parallel_residual"), spec.residual() == DecoderSpec.Residual.PARALLEL);
        }
        if (spec.mlp().experts() > 0) {
            keys.u32(family.key("expert_count"), spec.mlp().experts());
            keys.u32(family.key("expert_used_count"), spec.mlp().expertsPerToken());
            keys.u32(family.key("expert_feed_forward_length"), spec.mlp().expertWidth());
        }
    }

    private int feedForward() {
        return spec.mlp().width() > 0 ? spec.mlp().width() : spec.mlp().expertWidth();
    }

    private void windows() throws ModelException {
        AttentionSpec attention = spec.attention();
        int size = attention.windows().stream().mapToInt(w -> w).max().orElse(0);
        must(attention.windows().stream().allMatch(w -> w == 0 || w == size), "windows of several sizes");
        if (attention.localRope() != null && size > 0) {
            must(family.has(Trait.LOCAL_ROTATION), "another rotation in layers with a window");
            keys.f32(family.key("rope.freq_base_swa"), GgufRopeKeys.plainBase(source, family, attention.localRope()));
        }
        if (size == 0) {
            must(!family.name().equals("gemma2"), "attention without windows");
            return;
        }
        keys.u32(family.key("attention.sliding_window"), size);
        int period = period(attention.windows());
        keys.u32(family.key("attention.sliding_window_pattern"), period);
        if (!family.has(Trait.WINDOWS)) {
            notes.add("llama.cpp does not window the attention of architecture " + family.name() + ": there, texts of"
                    + " more than " + size + " tokens score differently.");
        }
    }

    /** n where all layers but every n-th have a window; 0 where all have one ({@code set_swa_pattern}). */
    private int period(List<Integer> windows) throws ModelException {
        if (windows.stream().allMatch(w -> w > 0)) {
            return 0;
        }
        int period = windows.indexOf(0) + 1;
        for (int layer = 0; layer < windows.size(); layer++) {
            must(
                    (windows.get(layer) > 0) == GgufSpec.windowed(layer, period),
                    "windows in other layers than all but every n-th");
        }
        return period;
    }

    private void caps() throws ModelException {
        capped(spec.attention().softCap(), Trait.SCORE_CAP, "attn_logit_softcapping");
        capped(spec.logitSoftCap(), Trait.LOGIT_CAP, "final_logit_softcapping");
    }

    private void capped(float cap, Trait trait, String key) throws ModelException {
        must(cap == 0 || family.has(trait), "a soft cap of " + cap + " (" + key + ")");
        if (family.has(trait)) {
            // llama.cpp's Gemma 2 always caps; far out, the cap is the identity.
            keys.f32(family.key(key), cap == 0 && family.name().equals("gemma2") ? NO_CAP : cap);
        }
    }

    /** c·tanh(x / c) is x to single precision for any score that occurs. */
    static final float NO_CAP = 1e6f;
}
