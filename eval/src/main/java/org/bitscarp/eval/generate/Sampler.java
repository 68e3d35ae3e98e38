package org.bitscarp.eval.generate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Chooses next tokens from logits, the same way for every level. At temperature 0 it is the most likely token. Otherwise
 * it is a sample from the nucleus (Holtzman et al. 2020, arXiv 1904.09751) by the Gumbel-max trick: the token with the
 * greatest z/T + g, the noise g of each prompt, step and token being the same for all levels. So two levels with the same
 * logits write the same text, and where they part, the weights are the reason and not the dice.
 *
 * @param temperature 0 for greedy
 * @param nucleus probability that the tokens sampled from have together, most likely first; 1 for all
 * @param seed of the noise
 */
public record Sampler(float temperature, double nucleus, long seed) {
    public static final Sampler GREEDY = new Sampler(0, 1, 0);

    /** As a report calls it. */
    public String text() {
        return temperature == 0
                ? "greedy"
                : "sampled, temperature " + temperature + ", nucleus " + nucleus + ", seed " + seed;
    }

    /**
     * The next token, the first of equals; −1 when a logit is NaN.
     *
     * @param sequence number of the prompt
     * @param step tokens written before
     */
    public int next(float[] logits, int sequence, int step) {
        int best = argmax(logits, null);
        if (best < 0 || temperature == 0) {
            return best;
        }
        double threshold = nucleus >= 1 ? Double.NEGATIVE_INFINITY : cut(logits, logits[best]);
        double[] noisy = new double[logits.length];
        for (int token = 0; token < logits.length; token++) {
            noisy[token] = logits[token] < threshold
                    ? Double.NEGATIVE_INFINITY
                    : logits[token] / temperature + gumbel(sequence, step, token);
        }
        return argmax(null, noisy);
    }

    private static int argmax(float[] floats, double[] doubles) {
        int best = -1;
        double most = Double.NEGATIVE_INFINITY;
        int n = floats == null ? doubles.length : floats.length;
        for (int i = 0; i < n; i++) {
            double x = floats == null ? doubles[i] : floats[i];
            if (Double.isNaN(x)) {
                return -1;
            }
            if (x > most || best < 0) {
                most = x;
                best = i;
            }
        }
        return best;
    }

    /** The least logit inside the nucleus. */
    private double cut(float[] logits, float max) {
        double[] p = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp((logits[i] - max) / temperature);
            sum += p[i];
        }
        // What lies below a millionth of the greatest together cannot reach into any sensible nucleus; sort the rest.
        int[] likely = IntStream.range(0, p.length).filter(i -> p[i] > 1e-6).toArray();
        Integer[] order = Arrays.stream(likely).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> -p[i]));
        double kept = 0;
        for (int i : order) {
            kept += p[i] / sum;
            if (kept >= nucleus) {
                return logits[i];
            }
        }
        return order.length == 0 ? max : logits[order[order.length - 1]];
    }

    /** −log(−log u) of a uniform u that depends on its arguments alone. */
    private double gumbel(int sequence, int step, int token) {
        long x = mix(seed ^ mix(sequence * 0x9E3779B97F4A7C15L ^ mix(((long) step << 32) | token)));
        double u = ((x >>> 11) + 0.5) * 0x1.0p-53;
        return -Math.log(-Math.log(u));
    }

    /** The finaliser of SplitMix64 (Steele, Lea and Flood 2014, figure 13). */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
