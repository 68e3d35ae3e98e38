package org.bitscarp.eval.stats;

import java.util.ArrayList;
import java.util.List;

/**
 * How a level's divergence from the reference is spread over tokens: a mean hides whether all tokens suffer a little or few
 * suffer much.
 *
 * @param least smallest KL(reference ‖ level) in nats; a little below 0 where rounding is all there is
 * @param kld its quantiles at {@link #SHARES}
 * @param greatest largest KL
 * @param sharedTop5 share of the reference's five most likely tokens that are among the level's five, 0 to 1
 * @param probability mean of p_level(target) − p_reference(target)
 * @param probabilityRms root mean square of the same
 * @param probabilities its quantiles at {@link #SHARES}
 * @param buckets by the reference's confidence: a mean over all tokens is governed by those where the reference itself is
 *     undecided
 */
public record DivergenceSpread(
        double least,
        double[] kld,
        double greatest,
        double sharedTop5,
        double probability,
        double probabilityRms,
        double[] probabilities,
        List<Bucket> buckets) {
    private static final double[] SHARES = {0.01, 0.05, 0.10, 0.50, 0.90, 0.95, 0.99, 0.999};
    private static final double[] EDGES = {0, 0.25, 0.5, 0.75, 0.9, 1};
    private static final double TOP = 5;

    /**
     * Tokens whose most likely continuation has a probability in [from, to), the last bucket with both ends.
     *
     * @param kldMean NaN without tokens
     * @param sameTop1 share of them; NaN without tokens
     */
    public record Bucket(double from, double to, long tokens, double kldMean, double sameTop1) {}

    /** Where quantiles are taken, ascending: 1, 5, 10, 50, 90, 95, 99 and 99.9 %. */
    public static double[] shares() {
        return SHARES.clone();
    }

    /**
     * Positions at which a score is not finite are left out.
     *
     * @param kld by row, as are the others
     * @param rows which count
     */
    public static DivergenceSpread of(
            double[] kld,
            boolean[] sameTop1,
            byte[] sharedTop5,
            double[] nll,
            double[] referenceNll,
            float[] referenceConfidence,
            int[] rows) {
        double[] changes = new double[rows.length];
        double[] divergences = new double[rows.length];
        double shared = 0;
        double sum = 0;
        double squares = 0;
        long count = 0;
        long[] tokens = new long[EDGES.length - 1];
        double[] sums = new double[tokens.length];
        long[] same = new long[tokens.length];
        for (int i = 0; i < rows.length; i++) {
            int row = rows[i];
            double change = Math.exp(-nll[row]) - Math.exp(-referenceNll[row]);
            boolean sound = Double.isFinite(change) && Double.isFinite(kld[row]);
            changes[i] = sound ? change : Double.NaN;
            divergences[i] = sound ? kld[row] : Double.NaN;
            if (sound) {
                count++;
                shared += sharedTop5[row];
                sum += change;
                squares += change * change;
                int bucket = bucket(referenceConfidence[row]);
                tokens[bucket]++;
                sums[bucket] += kld[row];
                same[bucket] += sameTop1[row] ? 1 : 0;
            }
        }
        List<Bucket> buckets = new ArrayList<>();
        for (int b = 0; b < tokens.length; b++) {
            buckets.add(
                    new Bucket(EDGES[b], EDGES[b + 1], tokens[b], sums[b] / tokens[b], (double) same[b] / tokens[b]));
        }
        Quantiles quantiles = Quantiles.of(divergences);
        return new DivergenceSpread(
                quantiles.at(0.0),
                quantiles.at(SHARES),
                quantiles.at(1.0),
                shared / TOP / count,
                sum / count,
                Math.sqrt(squares / count),
                Quantiles.of(changes).at(SHARES),
                buckets);
    }

    private static int bucket(float confidence) {
        int bucket = 0;
        while (bucket < EDGES.length - 2 && confidence >= EDGES[bucket + 1]) {
            bucket++;
        }
        return bucket;
    }

    /** Half of the tokens diverge by less. */
    public double median() {
        return kld[3];
    }

    /** 99 of 100 tokens diverge by less. */
    public double percentile99() {
        return kld[6];
    }
}
