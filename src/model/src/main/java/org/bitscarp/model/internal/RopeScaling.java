package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;

/**
 * Rotary embedding of a {@code config.json}: {@code rope_theta} with {@code rope_scaling}, or {@code rope_parameters} of
 * transformers 5. Formulas follow transformers' {@code modeling_rope_utils.py}, in double instead of single precision.
 */
final class RopeScaling {
    private static final double MAX_NUMBER = 1e15;
    private static final String SUPPORTED = "default, linear, llama3, yarn";

    private RopeScaling() {}

    static Rope read(Path file, ConfigFields config, int headDim, int maxPositions) throws ModelException {
        // Both spellings present: transformers lets rope_scaling win.
        Optional<ConfigFields> scaling = config.object("rope_scaling");
        if (scaling.isEmpty()) {
            scaling = config.object("rope_parameters");
        }
        double outerTheta = config.number("rope_theta", 1e-6, MAX_NUMBER).orElse(10_000);
        checkPartial(config);
        if (scaling.isEmpty()) {
            return finite(file, unscaled(outerTheta, headDim), 1);
        }
        ConfigFields rope = scaling.get();
        checkPartial(rope);
        double theta = rope.number("rope_theta", 1e-6, MAX_NUMBER).orElse(outerTheta);
        String key = rope.has("rope_type") ? "rope_type" : "type";
        String type = rope.string(key).orElse("default");
        double[] base = unscaled(theta, headDim);
        return switch (type) {
            case "default" -> finite(file, base, 1);
            case "linear" -> finite(file, linear(base, rope), 1);
            case "llama3" -> finite(file, llama3(base, rope, originalPositions(config, rope, maxPositions)), 1);
            case "yarn" ->
                yarn(file, theta, headDim, rope, originalPositions(config, rope, maxPositions), maxPositions);
            default -> throw rope.wrong(key, "one of " + SUPPORTED);
        };
    }

    private static void checkPartial(ConfigFields fields) throws ModelException {
        OptionalDouble partial = fields.number("partial_rotary_factor", 0, 1);
        if (partial.isPresent() && partial.getAsDouble() != 1) {
            throw fields.wrong("partial_rotary_factor", "1, since partly rotated heads are not supported");
        }
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
    private static Rope yarn(Path file, double theta, int headDim, ConfigFields rope, double original, int maxPositions)
            throws ModelException {
        if (theta <= 1) {
            throw rope.wrong("rope_theta", "more than 1 for yarn");
        }
        double factor = rope.has("factor") ? factor(rope) : maxPositions / original;
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
        return finite(file, scaled, attentionFactor(rope, factor));
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

    /** A value beside the scaling object wins over one inside it; without either it is the full context. */
    private static double originalPositions(ConfigFields config, ConfigFields rope, int maxPositions)
            throws ModelException {
        String key = "original_max_position_embeddings";
        OptionalDouble outer = config.number(key, 1, MAX_NUMBER);
        return outer.isPresent()
                ? outer.getAsDouble()
                : rope.number(key, 1, MAX_NUMBER).orElse(maxPositions);
    }

    private static Rope finite(Path file, double[] frequencies, double attentionFactor) throws ModelException {
        for (double frequency : frequencies) {
            if (!(Double.isFinite(frequency) && frequency > 0)) {
                throw new ModelException(file + ": the rope settings give a frequency of " + frequency
                        + "; check rope_theta and rope_scaling");
            }
        }
        if (!(Double.isFinite(attentionFactor) && attentionFactor > 0)) {
            throw new ModelException(file + ": the rope settings give an attention factor of " + attentionFactor
                    + "; expected more than 0");
        }
        return new Rope(frequencies, attentionFactor);
    }
}
