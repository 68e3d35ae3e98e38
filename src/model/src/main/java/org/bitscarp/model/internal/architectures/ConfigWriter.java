package org.bitscarp.model.internal.architectures;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A decoder as a {@code config.json}: the inverse of the readers, by the data of {@link ConfigFamily}. What it writes is
 * read again and must come to the same decoder, so that a setting without a key is an error and never lost.
 */
public final class ConfigWriter {
    private static final String SCALING = "rope_scaling";

    private final Path source;
    private final DecoderSpec spec;
    private final ConfigFamily family;
    private final ObjectNode config = JsonMapper.shared().createObjectNode();

    private ConfigWriter(Path source, DecoderSpec spec, ConfigFamily family) {
        this.source = source;
        this.spec = spec;
        this.family = family;
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
        ConfigFamily family = ConfigFamily.of(spec)
                .orElseThrow(() -> new ModelException(source + ": architecture " + spec.architecture()
                        + " cannot be written as a Hugging Face folder; supported: "
                        + ConfigFamily.ALL.stream()
                                .flatMap(f -> f.sources().stream())
                                .distinct()
                                .collect(Collectors.joining(", "))));
        return new ConfigWriter(source, spec, family)
                .write(new ConfigField.Described(spec, attentionBiases, mlpBiases));
    }

    private Written write(ConfigField.Described described) throws ModelException {
        boolean rotates = spec.attention().rope() != null;
        if (rotates != family.keys().containsKey(ConfigField.THETA)) {
            throw new ModelException(source + ": a decoder of architecture " + spec.architecture()
                    + (rotates ? " has no rotary embedding; found one" : " has a rotary embedding; found none"));
        }
        config.putArray("architectures").add(family.architecture());
        config.put("model_type", family.modelType());
        family.keys()
                .forEach((field, key) -> config.set(key, JsonMapper.shared().valueToTree(field.value(described))));
        Architecture.Model read = rotates ? scaled() : read();
        if (!same(spec, read.spec())) {
            throw new ModelException(source + ": the decoder has settings that the configuration of "
                    + family.architecture() + " has no keys for (attention windows, rotation or norms), so no Hugging"
                    + " Face folder can be written");
        }
        return new Written(config, read);
    }

    private Architecture.Model read() throws ModelException {
        return Architectures.read(new ConfigFields(source, "", config));
    }

    /** With the plainest scaling that gives the decoder's rotation, or the last one tried. */
    private Architecture.Model scaled() throws ModelException {
        Rope rope = spec.attention().rope();
        Architecture.Model read = read();
        List<ObjectNode> sections = RopeScalings.of(
                rope, config.get(family.keys().get(ConfigField.THETA)).doubleValue(), spec.maxPositions());
        for (ObjectNode section : sections) {
            if (same(rope, read.spec().attention().rope())) {
                break;
            }
            if (!family.onlyLongRope() || section == sections.getLast()) {
                config.set(SCALING, section);
                read = read();
            }
        }
        return read;
    }

    private static boolean same(DecoderSpec a, DecoderSpec b) {
        boolean local = !a.attention().windows().isEmpty();
        return unrotated(a, b.architecture()).equals(unrotated(b, b.architecture()))
                && same(a.attention().rope(), b.attention().rope())
                && (!local || same(a.attention().localRope(), b.attention().localRope()));
    }

    /** The decoder without what is compared by value. */
    private static DecoderSpec unrotated(DecoderSpec spec, String name) {
        AttentionSpec a = spec.attention();
        return new DecoderSpec(
                name,
                spec.vocabulary(),
                spec.hidden(),
                spec.layers(),
                new AttentionSpec(a.heads(), a.kvHeads(), a.headDim(), a.scale(), a.softCap(), a.windows(), null, null),
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
        if (a == null || b == null) {
            return a == b;
        }
        boolean near = same(a.inverseFrequencies(), b.inverseFrequencies())
                && Math.abs(a.attentionFactor() - b.attentionFactor()) <= ConfigField.ROUNDING;
        boolean far = a.beyond() == null || b.beyond() == null
                ? a.beyond() == b.beyond()
                : a.beyond().threshold() == b.beyond().threshold()
                        && same(a.beyond().inverseFrequencies(), b.beyond().inverseFrequencies());
        return near && far;
    }

    private static boolean same(double[] one, double[] other) {
        boolean same = one.length == other.length;
        for (int i = 0; same && i < one.length; i++) {
            same = Math.abs(one[i] - other[i]) <= ConfigField.ROUNDING * one[i];
        }
        return same;
    }
}
