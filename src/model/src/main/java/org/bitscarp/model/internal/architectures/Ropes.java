package org.bitscarp.model.internal.architectures;

import java.util.Optional;
import java.util.OptionalDouble;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.ConfigFields;

/**
 * Rotary embedding of a {@code config.json}: {@code rope_theta} with {@code rope_scaling}, or {@code rope_parameters} of
 * transformers 5. Formulas follow transformers' {@code modeling_rope_utils.py}, in double instead of single precision.
 */
final class Ropes {
    private static final double MAX_NUMBER = 1e15;
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";
    private static final String PARTIAL = "partial_rotary_factor";

    /** Rotated values of a head, and what the formulas need of the configuration. */
    private record Shape(ConfigFields config, int rotated, int positions) {}

    /**
     * What absent keys mean in a family, and which keys it knows.
     *
     * @param thetaKey base of the frequencies, outside {@code rope_parameters}
     * @param partialKey share of a head that is rotated, outside {@code rope_parameters}; null where heads are always
     *     rotated whole
     * @param longAliases whether the types {@code su} and {@code yarn} mean {@code longrope} (Phi-3's configuration)
     */
    record Defaults(String thetaKey, double theta, String partialKey, double partial, boolean longAliases) {
        static final Defaults PHI3 = new Defaults("rope_theta", 10_000, PARTIAL, 1, true);
        static final Defaults NEOX = new Defaults("rotary_emb_base", 10_000, "rotary_pct", 0.25, false);

        static Defaults theta(double theta) {
            return new Defaults("rope_theta", theta, null, 1, false);
        }
    }

    private Ropes() {}

    /** Llama's: base 10,000 unless the configuration says otherwise, heads rotated whole. */
    static Rope read(ConfigFields config, Widths widths) throws ModelException {
        return read(config, widths, Defaults.theta(10_000));
    }

    static Rope read(ConfigFields config, Widths widths, Defaults defaults) throws ModelException {
        Optional<ConfigFields> section = section(config);
        for (String nested : new String[] {FULL, SLIDING}) {
            if (section.isPresent() && section.get().has(nested)) {
                throw section.get().wrong(nested, "nothing, since all layers of this architecture rotate alike");
            }
        }
        return rope(config, widths, section, defaults);
    }

    /** Gemma 3's layers that see everything. */
    static Rope readFull(ConfigFields config, Widths widths, double theta) throws ModelException {
        Optional<ConfigFields> section = section(config);
        if (section.isPresent() && (section.get().has(FULL) || section.get().has(SLIDING))) {
            section = section.get().object(FULL);
        }
        return rope(config, widths, section, Defaults.theta(theta));
    }

    /** Gemma 3's layers with a window: a base of their own, never scaled by {@code rope_scaling}. */
    static Rope readSliding(ConfigFields config, Widths widths, double theta) throws ModelException {
        Optional<ConfigFields> section = config.object("rope_parameters");
        Optional<ConfigFields> sliding = section.isPresent() ? section.get().object(SLIDING) : Optional.empty();
        return rope(config, widths, sliding, new Defaults("rope_local_base_freq", theta, null, 1, false));
    }

    /** Both spellings present: transformers lets {@code rope_scaling} win. */
    private static Optional<ConfigFields> section(ConfigFields config) throws ModelException {
        Optional<ConfigFields> scaling = config.object("rope_scaling");
        return scaling.isPresent() ? scaling : config.object("rope_parameters");
    }

    private static Rope rope(ConfigFields config, Widths widths, Optional<ConfigFields> section, Defaults defaults)
            throws ModelException {
        double theta = config.number(defaults.thetaKey, 1e-6, MAX_NUMBER).orElse(defaults.theta);
        double partial = partial(config, defaults.partialKey, defaults.partial, defaults);
        if (section.isPresent()) {
            theta = section.get().number("rope_theta", 1e-6, MAX_NUMBER).orElse(theta);
            partial = partial(section.get(), PARTIAL, partial, defaults);
        }
        int rotated = (int) (widths.headDim() * partial);
        if (rotated < 2 || rotated % 2 != 0) {
            throw new ModelException(config.file() + ": " + partial + " of a head of " + widths.headDim() + " is "
                    + rotated + " rotated values; expected an even number from 2");
        }
        double[] base = unscaled(theta, rotated);
        if (section.isEmpty()) {
            return finite(config, base, 1);
        }
        return scaled(new Shape(config, rotated, widths.positions()), section.get(), theta, base, defaults);
    }

    private static double partial(ConfigFields fields, String key, double absent, Defaults defaults)
            throws ModelException {
        if (defaults.partialKey == null) {
            OptionalDouble value = fields.number(PARTIAL, 0, 1);
            if (value.isPresent() && value.getAsDouble() != 1) {
                throw fields.wrong(PARTIAL, "1, since this architecture rotates whole heads");
            }
            return 1;
        }
        return fields.number(key, 0, 1).orElse(absent);
    }

    private static Rope scaled(Shape shape, ConfigFields rope, double theta, double[] base, Defaults defaults)
            throws ModelException {
        String key = rope.has("rope_type") ? "rope_type" : "type";
        String type = rope.string(key).orElse("default");
        if (defaults.longAliases) {
            return switch (type) {
                case "default" -> finite(shape.config, base, 1);
                case "longrope", "su", "yarn" ->
                    LongRope.read(shape.config, rope, base, originalPositions(shape, rope, 4096), shape.positions);
                default -> throw rope.wrong(key, "one of default, longrope, su, yarn");
            };
        }
        return switch (type) {
            case "default" -> finite(shape.config, base, 1);
            case "linear" -> finite(shape.config, linear(base, rope), 1);
            case "llama3" ->
                finite(shape.config, llama3(base, rope, originalPositions(shape, rope, shape.positions)), 1);
            case "yarn" -> yarn(shape, theta, rope, originalPositions(shape, rope, shape.positions));
            case "longrope" ->
                LongRope.read(
                        shape.config, rope, base, originalPositions(shape, rope, shape.positions), shape.positions);
            default -> throw rope.wrong(key, "one of default, linear, llama3, longrope, yarn");
        };
    }

    /** theta^(−2i / headDim) for pair i. */
    private static double[] unscaled(double theta, int headDim) {
        double[] frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / headDim);
        }
        return frequencies;
    }

    private static double[] linear(double[] base, ConfigFields rope) throws ModelException {
        double factor = factor(rope);
        double[] scaled = new double[base.length];
        for (int i = 0; i < base.length; i++) {
            scaled[i] = base[i] / factor;
        }
        return scaled;
    }

    /** Llama 3.1: long wavelengths divided by the factor, short ones kept, a linear blend in between. */
    private static double[] llama3(double[] base, ConfigFields rope, double original) throws ModelException {
        double factor = factor(rope);
        double low = rope.requiredNumber("low_freq_factor", 1e-6, MAX_NUMBER);
        double high = rope.requiredNumber("high_freq_factor", 1e-6, MAX_NUMBER);
        if (high <= low) {
            throw rope.wrong("high_freq_factor", "more than low_freq_factor (" + low + ")");
        }
        double[] scaled = new double[base.length];
        for (int i = 0; i < base.length; i++) {
            double wavelength = 2 * Math.PI / base[i];
            if (wavelength < original / high) {
                scaled[i] = base[i];
            } else if (wavelength > original / low) {
                scaled[i] = base[i] / factor;
            } else {
                double smooth = (original / wavelength - low) / (high - low);
                scaled[i] = (1 - smooth) * base[i] / factor + smooth * base[i];
            }
        }
        return scaled;
    }

    /** YaRN (arXiv 2309.00071): interpolation of slow pairs, extrapolation of fast ones, a ramp in between. */
    private static Rope yarn(Shape shape, double theta, ConfigFields rope, double original) throws ModelException {
        int headDim = shape.rotated;
        if (theta <= 1) {
            throw rope.wrong("rope_theta", "more than 1 for yarn");
        }
        double factor = rope.has("factor") ? factor(rope) : shape.positions / original;
        // Zero counts as absent, as in Python's "or".
        double fast = orDefault(rope.number("beta_fast", 0, MAX_NUMBER), 32);
        double slow = orDefault(rope.number("beta_slow", 0, MAX_NUMBER), 1);
        double low = correctionDimension(fast, headDim, theta, original);
        double high = correctionDimension(slow, headDim, theta, original);
        if (rope.booleanOr("truncate", true)) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, headDim - 1);
        if (low == high) {
            high += 0.001;
        }
        double[] scaled = new double[headDim / 2];
        for (int i = 0; i < scaled.length; i++) {
            double frequency = Math.pow(theta, -2.0 * i / headDim);
            double interpolated = Math.clamp((i - low) / (high - low), 0, 1);
            scaled[i] = frequency / factor * interpolated + frequency * (1 - interpolated);
        }
        return finite(shape.config, scaled, attentionFactor(rope, factor));
    }

    private static double attentionFactor(ConfigFields rope, double factor) throws ModelException {
        OptionalDouble explicit = rope.number("attention_factor", 0, 1e6);
        if (explicit.isPresent()) {
            return explicit.getAsDouble();
        }
        double mscale = rope.number("mscale", -1e6, 1e6).orElse(0);
        double mscaleAll = rope.number("mscale_all_dim", -1e6, 1e6).orElse(0);
        return mscale != 0 && mscaleAll != 0 ? mscale(factor, mscale) / mscale(factor, mscaleAll) : mscale(factor, 1);
    }

    private static double mscale(double scale, double mscale) {
        return scale <= 1 ? 1 : 0.1 * mscale * Math.log(scale) + 1;
    }

    /** The dimension at which a pair turns {@code rotations} times over the original context. */
    private static double correctionDimension(double rotations, int headDim, double theta, double original) {
        return headDim * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private static double orDefault(OptionalDouble value, double absent) {
        return value.isEmpty() || value.getAsDouble() == 0 ? absent : value.getAsDouble();
    }

    private static double factor(ConfigFields rope) throws ModelException {
        return rope.requiredNumber("factor", 1e-6, MAX_NUMBER);
    }

    /** A value beside the scaling object wins over one inside it. */
    private static double originalPositions(Shape shape, ConfigFields rope, double absent) throws ModelException {
        String key = "original_max_position_embeddings";
        OptionalDouble outer = shape.config.number(key, 1, MAX_NUMBER);
        return outer.isPresent()
                ? outer.getAsDouble()
                : rope.number(key, 1, MAX_NUMBER).orElse(absent);
    }

    static Rope finite(ConfigFields config, double[] frequencies, double attentionFactor) throws ModelException {
        for (double frequency : frequencies) {
            if (!(Double.isFinite(frequency) && frequency > 0)) {
                throw new ModelException(config.file() + ": the rope settings give a frequency of " + frequency
                        + "; check rope_theta and rope_scaling");
            }
        }
        if (!(Double.isFinite(attentionFactor) && attentionFactor > 0)) {
            throw new ModelException(config.file() + ": the rope settings give an attention factor of "
                    + attentionFactor + "; expected more than 0");
        }
        return new Rope(frequencies, attentionFactor);
    }
}
