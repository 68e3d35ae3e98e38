package org.bitscarp.model.internal.architectures;

import java.nio.file.Path;
import java.util.Map;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A decoder as a {@code config.json}: the inverse of the readers of Llama's relatives. What it writes is read again and
 * must come to the same decoder, so that a setting without a key is an error and never lost.
 */
public final class ConfigWriter {
    private static final String SUPPORTED = "llama (Llama, Mistral, Mixtral, llama2.c), qwen2, qwen3, qwen3moe";

    /** Relative differences of frequencies that pass through the fp32 keys of a GGUF file. */
    private static final double ROUNDING = 1e-6;

    private static final Map<String, String> MODEL_TYPES = Map.of(
            "LlamaForCausalLM", "llama",
            "MistralForCausalLM", "mistral",
            "MixtralForCausalLM", "mixtral",
            "Qwen2ForCausalLM", "qwen2",
            "Qwen3ForCausalLM", "qwen3",
            "Qwen3MoeForCausalLM", "qwen3_moe");

    private final Path source;
    private final DecoderSpec spec;
    private final ObjectNode config = JsonMapper.shared().createObjectNode();

    private ConfigWriter(Path source, DecoderSpec spec) {
        this.source = source;
        this.spec = spec;
    }

    /**
     * What is written, and what it says when it is read.
     *
     * @param config the content of {@code config.json}
     * @param model the same decoder, with the names of its tensors
     */
    public record Written(ObjectNode config, Architecture.Model model) {}

    /**
     * The configuration of a decoder.
     *
     * @param source names the model in messages
     * @param attentionBiases whether all four projections of attention have biases, where a family leaves it open
     * @param mlpBiases the same of the feed-forward block
     * @throws ModelException for an architecture that is not written, or a decoder that its keys cannot describe
     */
    public static Written write(Path source, DecoderSpec spec, boolean attentionBiases, boolean mlpBiases)
            throws ModelException {
        return new ConfigWriter(source, spec).write(attentionBiases, mlpBiases);
    }

    private Written write(boolean attentionBiases, boolean mlpBiases) throws ModelException {
        String name = architecture();
        config.putArray("architectures").add(name);
        config.put("model_type", MODEL_TYPES.get(name));
        sizes();
        rotation();
        windows(name);
        experts(name);
        if (!name.equals("Qwen2ForCausalLM")) {
            config.put("attention_bias", attentionBiases);
        }
        config.put("mlp_bias", mlpBiases);
        Architecture.Model read = Architectures.read(new ConfigFields(source, "", config));
        if (!same(spec, read.spec())) {
            throw new ModelException(source + ": the decoder has settings that the configuration of " + name
                    + " has no keys for (attention windows, rotation or norms), so no Hugging Face folder can be"
                    + " written");
        }
        return new Written(config, read);
    }

    /** A GGUF file calls Mistral and Mixtral llama too. */
    private String architecture() throws ModelException {
        return switch (spec.architecture()) {
            case "llama", "llama2.c" ->
                spec.mlp().experts() > 0
                        ? "MixtralForCausalLM"
                        : spec.attention().windows().isEmpty() ? "LlamaForCausalLM" : "MistralForCausalLM";
            case "qwen2" -> "Qwen2ForCausalLM";
            case "qwen3" -> "Qwen3ForCausalLM";
            case "qwen3moe" -> "Qwen3MoeForCausalLM";
            default ->
                throw new ModelException(source + ": architecture " + spec.architecture()
                        + " cannot be written as a Hugging Face folder, only as a GGUF file; supported: " + SUPPORTED);
        };
    }

    private void sizes() {
        AttentionSpec attention = spec.attention();
        config.put("vocab_size", spec.vocabulary());
        config.put("hidden_size", spec.hidden());
        config.put(
                "intermediate_size",
                spec.mlp().width() > 0 ? spec.mlp().width() : spec.mlp().expertWidth());
        config.put("num_hidden_layers", spec.layers());
        config.put("num_attention_heads", attention.heads());
        config.put("num_key_value_heads", attention.kvHeads());
        config.put("head_dim", attention.headDim());
        config.put("hidden_act", "silu");
        // The shortest decimal of the fp32 value: 1e-05 and not 9.999999747378752e-06.
        config.put("rms_norm_eps", Double.parseDouble(Float.toString(spec.norm().epsilon())));
        config.put("max_position_embeddings", spec.maxPositions());
        config.put("tie_word_embeddings", spec.tiedHead());
    }

    /** theta^(−i/n) / factor for pair i of n; any other scaling fails the comparison. */
    private void rotation() throws ModelException {
        Rope rope = spec.attention().rope();
        if (rope == null) {
            throw new ModelException(source + ": has no rotary embedding; expected one of a " + spec.architecture());
        }
        double[] frequencies = rope.inverseFrequencies();
        double theta = frequencies.length < 2 ? 10_000 : Math.pow(frequencies[1] / frequencies[0], -frequencies.length);
        double whole = Math.rint(theta);
        config.put("rope_theta", Math.abs(theta - whole) <= ROUNDING * theta ? whole : theta);
        double factor = 1 / frequencies[0];
        if (Math.abs(factor - 1) > ROUNDING) {
            config.putObject("rope_scaling").put("rope_type", "linear").put("factor", factor);
        }
    }

    private void windows(String name) {
        int window = spec.attention().window(0);
        if (window > 0) {
            config.put("sliding_window", window);
        } else if (name.equals("MistralForCausalLM") || name.equals("MixtralForCausalLM")) {
            config.putNull("sliding_window");
        }
    }

    private void experts(String name) {
        if (spec.mlp().experts() == 0) {
            return;
        }
        config.put("num_experts_per_tok", spec.mlp().expertsPerToken());
        if (name.equals("MixtralForCausalLM")) {
            config.put("num_local_experts", spec.mlp().experts());
        } else {
            config.put("num_experts", spec.mlp().experts());
            config.put("moe_intermediate_size", spec.mlp().expertWidth());
            config.put("norm_topk_prob", spec.mlp().normalizedWeights());
            config.put("decoder_sparse_step", 1);
        }
    }

    private static boolean same(DecoderSpec a, DecoderSpec b) {
        return a.mlp().activation() == Activation.SILU
                && a.norm().kind() == NormSpec.Kind.RMS
                && unrotated(a, b.architecture()).equals(unrotated(b, b.architecture()))
                && same(a.attention().rope(), b.attention().rope());
    }

    /** The decoder without what is compared by value. */
    private static DecoderSpec unrotated(DecoderSpec spec, String name) {
        AttentionSpec a = spec.attention();
        return new DecoderSpec(
                name,
                spec.vocabulary(),
                spec.hidden(),
                spec.layers(),
                new AttentionSpec(
                        a.heads(), a.kvHeads(), a.headDim(), a.scale(), a.softCap(), a.windows(), null, a.localRope()),
                spec.mlp(),
                spec.norm(),
                spec.residual(),
                spec.embeddingScale(),
                spec.logitSoftCap(),
                spec.activationBits(),
                spec.tiedHead(),
                spec.maxPositions());
    }

    private static boolean same(Rope a, Rope b) {
        double[] one = a.inverseFrequencies();
        double[] other = b.inverseFrequencies();
        boolean same = one.length == other.length
                && a.attentionFactor() == b.attentionFactor()
                && a.beyond() == null
                && b.beyond() == null;
        for (int i = 0; same && i < one.length; i++) {
            same = Math.abs(one[i] - other[i]) <= ROUNDING * one[i];
        }
        return same;
    }
}
