package org.bitscarp.model.internal.gguf;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;

/**
 * A rotary embedding as the keys and constant tensors of a GGUF file. Frequencies of pair i are base^(−i/n) for n pairs,
 * divided by one factor (a key) or by one for each pair (a tensor). Base and divisors follow from the frequencies alone,
 * so a scaling of any kind is written as what it comes to.
 */
final class GgufRopeKeys {
    static final String DIVISORS = "rope_freqs.weight";
    static final String LONG = "rope_factors_long.weight";
    static final String SHORT = "rope_factors_short.weight";

    /** Relative differences that come from computing powers in double. */
    private static final double ROUNDING = 1e-9;

    private static final double USUAL_BASE = 10_000;

    private final String source;
    private final GgufFamily family;
    private final GgufKeys keys;
    private final Map<String, float[]> tensors = new LinkedHashMap<>();

    private GgufRopeKeys(String source, GgufFamily family, GgufKeys keys) {
        this.source = source;
        this.family = family;
        this.keys = keys;
    }

    /**
     * Puts the keys and returns the tensors.
     *
     * @param source names the model in messages
     * @throws ModelException for a rotation that files of the family cannot describe
     */
    static Map<String, float[]> put(String source, GgufFamily family, Rope rope, int headDim, GgufKeys keys)
            throws ModelException {
        GgufRopeKeys writer = new GgufRopeKeys(source, family, keys);
        writer.put(rope, headDim);
        return writer.tensors;
    }

    private void put(Rope rope, int headDim) throws ModelException {
        double[] frequencies = rope.inverseFrequencies();
        int rotated = 2 * frequencies.length;
        if (rotated != headDim && !family.has(GgufFamily.Trait.PARTIAL_ROTATION)) {
            throw cannot("heads of " + headDim + " of which " + rotated + " values rotate");
        }
        keys.u32(family.key("rope.dimension_count"), rotated);
        double base = base(frequencies);
        keys.f32(family.key("rope.freq_base"), base);
        if (rope.attentionFactor() != 1) {
            keys.f32(family.key("rope.scaling.attn_factor"), rope.attentionFactor());
        }
        if (rope.beyond() != null) {
            if (!family.has(GgufFamily.Trait.LONG_ROPE)) {
                throw cannot("other frequencies in long windows");
            }
            keys.u32(
                    family.key("rope.scaling.original_context_length"),
                    rope.beyond().threshold());
            tensors.put(LONG, divisors(base, rope.beyond().inverseFrequencies()));
            tensors.put(SHORT, divisors(base, frequencies));
            return;
        }
        double factor = 1 / frequencies[0];
        if (evenly(base, factor, frequencies)) {
            if (Math.abs(factor - 1) > ROUNDING) {
                keys.string(family.key("rope.scaling.type"), "linear");
                keys.f32(family.key("rope.scaling.factor"), factor);
            }
        } else if (family.has(GgufFamily.Trait.FREQUENCY_DIVISORS)) {
            tensors.put(DIVISORS, divisors(base, frequencies));
        } else {
            throw cannot("a frequency scaling that differs from pair to pair");
        }
    }

    private ModelException cannot(String what) {
        return new ModelException(
                source + ": " + what + " cannot be written for llama.cpp's architecture " + family.name());
    }

    /** The base that the first two frequencies agree with; whole where it nearly is. */
    static double base(double[] frequencies) {
        if (frequencies.length < 2) {
            return USUAL_BASE;
        }
        double base = Math.pow(frequencies[1] / frequencies[0], -frequencies.length);
        double whole = Math.rint(base);
        return (float) (Math.abs(base - whole) <= ROUNDING * base ? whole : base);
    }

    private static boolean evenly(double base, double factor, double[] frequencies) {
        for (int i = 0; i < frequencies.length; i++) {
            double expected = power(base, i, frequencies.length) / factor;
            if (!(Math.abs(frequencies[i] - expected) <= 1e-6 * expected)) {
                return false;
            }
        }
        return true;
    }

    private static double power(double base, int pair, int pairs) {
        return Math.pow(base, -(double) pair / pairs);
    }

    private static float[] divisors(double base, double[] frequencies) {
        float[] divisors = new float[frequencies.length];
        for (int i = 0; i < divisors.length; i++) {
            divisors[i] = (float) (power(base, i, divisors.length) / frequencies[i]);
        }
        return divisors;
    }

    /** The base of a rotation without any scaling. */
    static double plainBase(String source, GgufFamily family, Rope rope) throws ModelException {
        double[] frequencies = rope.inverseFrequencies();
        double base = base(frequencies);
        if (!evenly(base, 1, frequencies) || rope.attentionFactor() != 1 || rope.beyond() != null) {
            throw new ModelException(source + ": a scaled rotation of layers with a window cannot be written for"
                    + " llama.cpp's architecture " + family.name());
        }
        return base;
    }
}
