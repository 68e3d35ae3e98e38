package org.bitscarp.eval;

import org.bitscarp.eval.engine.RoundingNoise;

/**
 * By what a sweep's levels are judged.
 *
 * @param margin loss of perplexity up to which a level counts as unharmed, 0.01 for 1 %
 * @param broken loss of perplexity from which a level counts as broken
 * @param noise to run the reference with once more, or null
 * @param seed of resampling
 */
public record Judgement(double margin, double broken, RoundingNoise noise, long seed) {
    /** One percent of perplexity: what tables of quantized models call lossless. */
    public static final double MARGIN = 0.01;
    /** Half as much perplexity again: text has visibly become worse by then. */
    public static final double BROKEN = 0.5;

    private static final long SEED = 1;

    public Judgement {
        if (!(margin > 0 && margin < broken && Double.isFinite(broken))) {
            throw new IllegalArgumentException("margin " + margin + " and broken threshold " + broken
                    + ": expected 0 < margin < broken, such as 0.01 and 0.5");
        }
    }

    /** With the noise of rounding to bf16. */
    public static Judgement of(double margin, double broken) {
        return new Judgement(margin, broken, new RoundingNoise(RoundingNoise.BF16, SEED), SEED);
    }

    /** The same without a noise floor. */
    public Judgement withoutNoise() {
        return new Judgement(margin, broken, null, seed);
    }
}
