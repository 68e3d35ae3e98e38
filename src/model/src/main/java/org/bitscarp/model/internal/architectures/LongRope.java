package org.bitscarp.model.internal.architectures;

import java.util.Arrays;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.JsonNode;

/** LongRoPE (arXiv 2402.13753): a divisor for each frequency, other ones beyond the original context. */
final class LongRope {
    private LongRope() {}

    /**
     * @param base unscaled frequencies
     * @param original positions that the model was first trained for
     * @param positions positions that it was extended to
     */
    static Rope read(ConfigFields config, ConfigFields rope, double[] base, double original, int positions)
            throws ModelException {
        double factor = rope.number("factor", 1e-6, 1e15).orElse(positions / original);
        double recommended = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        double attentionFactor = rope.number("attention_factor", 0, 1e6).orElse(recommended);
        Rope near = Ropes.finite(config, divided(base, rope, "short_factor"), attentionFactor);
        Rope far = Ropes.finite(config, divided(base, rope, "long_factor"), attentionFactor);
        if (Arrays.equals(near.inverseFrequencies(), far.inverseFrequencies())) {
            return near;
        }
        return new Rope(
                near.inverseFrequencies(),
                attentionFactor,
                new Rope.Longer((int) Math.min(original, Integer.MAX_VALUE), far.inverseFrequencies()));
    }

    private static double[] divided(double[] base, ConfigFields rope, String key) throws ModelException {
        JsonNode factors = rope.raw(key);
        if (!factors.isArray() || factors.size() != base.length) {
            throw rope.wrong(key, "an array of " + base.length + " numbers, one for each rotated pair");
        }
        double[] divided = new double[base.length];
        for (int i = 0; i < base.length; i++) {
            double factor = factors.get(i).isNumber() ? factors.get(i).doubleValue() : Double.NaN;
            if (!(factor > 0)) {
                throw rope.wrong(key, "numbers above 0 only");
            }
            divided[i] = base[i] / factor;
        }
        return divided;
    }
}
