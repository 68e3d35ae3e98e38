package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;

/**
 * Rotary embedding of a GGUF file. Scaling of the Llama 3.1 kind is a tensor of divisors ({@code rope_freqs.weight});
 * linear and YaRN scaling are keys. Formulas follow {@code ggml_rope_ext} and {@code llama-context.cpp}, in double
 * instead of single precision.
 */
final class GgufRope {
    private static final int MAX_DIMENSIONS = 1 << 20;
    private static final double DEFAULT_BASE = 10_000;
    private static final double MAX_NUMBER = 1e15;

    /** {@code yarn_beta_fast} and {@code yarn_beta_slow} of llama.cpp's context, which no Llama file overrides. */
    private static final double BETA_FAST = 32;

    private static final double BETA_SLOW = 1;

    private GgufRope() {}

    static Rope read(GgufHeader header, FileChannel channel, GgufFamily family, int headDim, int positions)
            throws IOException {
        GgufMetadata metadata = header.metadata();
        String prefix = family.key("");
        int rotated = rotated(metadata, family, headDim);
        double base =
                metadata.number(prefix + "rope.freq_base", 1e-6, MAX_NUMBER).orElse(DEFAULT_BASE);
        double[] frequencies = frequencies(base, rotated);
        boolean divided = family.has(GgufFamily.Trait.FREQUENCY_DIVISORS);
        double[] far = null;
        if (family.has(GgufFamily.Trait.LONG_ROPE) && header.tensors().containsKey(GgufRopeKeys.LONG)) {
            far = frequencies.clone();
            divide(far, header, channel, GgufRopeKeys.LONG);
            divide(frequencies, header, channel, GgufRopeKeys.SHORT);
        } else if (divided && header.tensors().containsKey(GgufRopeKeys.DIVISORS)) {
            divide(frequencies, header, channel, GgufRopeKeys.DIVISORS);
        }
        String factorKey = prefix + "rope.scaling.factor";
        // Zero counts as absent, as in llama.cpp; the second key is the older name.
        double factor = metadata.number(factorKey, 0, MAX_NUMBER)
                .orElse(metadata.number(prefix + "rope.scale_linear", 0, MAX_NUMBER)
                        .orElse(0));
        factor = factor == 0 ? 1 : factor;
        double attention =
                metadata.number(prefix + "rope.scaling.attn_factor", 1e-6, 1e6).orElse(1);
        String typeKey = prefix + "rope.scaling.type";
        String type = metadata.string(typeKey).orElse("linear");
        switch (type) {
            case "none" -> {
                // A factor is ignored.
            }
            case "linear" -> {
                for (int i = 0; i < frequencies.length; i++) {
                    frequencies[i] /= factor;
                }
            }
            case "yarn" -> {
                double original =
                        metadata.integerOr(prefix + "rope.scaling.original_context_length", positions, 1, 1L << 40);
                yarn(frequencies, rotated, base, factor, original);
                attention *= factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
            }
            default -> throw metadata.wrong(typeKey, "one of none, linear, yarn");
        }
        if (far == null) {
            return new Rope(finite(header, frequencies), attention);
        }
        long threshold =
                metadata.integerOr(prefix + "rope.scaling.original_context_length", positions, 1, Integer.MAX_VALUE);
        return new Rope(finite(header, frequencies), attention, new Rope.Longer((int) threshold, finite(header, far)));
    }

    /** The rotation of layers with a window, which is never scaled. */
    static Rope local(GgufHeader header, GgufFamily family, int pairs) throws IOException {
        double base = header.metadata()
                .number(family.key("rope.freq_base_swa"), 1e-6, MAX_NUMBER)
                .orElse(DEFAULT_BASE);
        return new Rope(finite(header, frequencies(base, 2 * pairs)), 1);
    }

    private static int rotated(GgufMetadata metadata, GgufFamily family, int headDim) throws IOException {
        String key = family.key("rope.dimension_count");
        if (!family.has(GgufFamily.Trait.PARTIAL_ROTATION)) {
            if (metadata.integerOr(key, headDim, 0, MAX_DIMENSIONS) != headDim) {
                throw metadata.wrong(
                        key, headDim + ", since heads of architecture " + family.name() + " rotate as a whole");
            }
            return headDim;
        }
        int rotated = (int) metadata.integerOr(key, headDim, 2, headDim);
        if (rotated % 2 != 0) {
            throw metadata.wrong(key, "an even number");
        }
        return rotated;
    }

    private static double[] frequencies(double base, int rotated) {
        double[] frequencies = new double[rotated / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(base, -2.0 * i / rotated);
        }
        return frequencies;
    }

    /** YaRN (arXiv 2309.00071): interpolation of slow pairs, extrapolation of fast ones, a ramp in between. */
    private static void yarn(double[] frequencies, int headDim, double base, double factor, double original) {
        double low = Math.max(0, Math.floor(correctionDimension(BETA_FAST, headDim, base, original)));
        double high = Math.min(headDim - 1, Math.ceil(correctionDimension(BETA_SLOW, headDim, base, original)));
        for (int i = 0; i < frequencies.length; i++) {
            double interpolated = Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
            frequencies[i] = frequencies[i] / factor * interpolated + frequencies[i] * (1 - interpolated);
        }
    }

    /** The dimension at which a pair turns {@code rotations} times over the original context. */
    private static double correctionDimension(double rotations, int headDim, double base, double original) {
        return headDim * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
    }

    private static void divide(double[] frequencies, GgufHeader header, FileChannel channel, String name)
            throws IOException {
        GgufHeader.Tensor tensor = header.tensors().get(name);
        List<Long> shape = List.of((long) frequencies.length);
        if (tensor == null
                || tensor.type() != GgufTensorType.F32
                || !tensor.shape().equals(shape)) {
            throw new ModelException(header.file() + ": tensor " + name + " is "
                    + (tensor == null ? "missing" : tensor.type() + " of shape " + tensor.shape())
                    + "; expected F32 of shape " + shape);
        }
        GgufInput in = new GgufInput(header.file(), channel, tensor.offset(), tensor.offset() + tensor.bytes());
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] /= Float.intBitsToFloat(in.i32(name));
        }
    }

    private static double[] finite(GgufHeader header, double[] frequencies) throws ModelException {
        for (double frequency : frequencies) {
            if (!(Double.isFinite(frequency) && frequency > 0)) {
                throw new ModelException(header.file() + ": the rope settings give a frequency of " + frequency
                        + "; check rope.freq_base, rope.scaling and tensor " + GgufRopeKeys.DIVISORS);
            }
        }
        return frequencies;
    }
}
