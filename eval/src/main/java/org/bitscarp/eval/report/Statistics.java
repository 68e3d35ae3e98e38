package org.bitscarp.eval.report;

import java.util.List;
import java.util.Optional;
import org.bitscarp.eval.stats.ChangePoint;
import org.bitscarp.eval.stats.DivergenceSpread;
import org.bitscarp.eval.stats.Loss;

/**
 * How sure a sweep's figures are, under the main protocol.
 *
 * @param reference the level that all are compared with
 * @param margin loss of perplexity up to which a level counts as unharmed, 0.01 for 1 %, as asked for
 * @param marginUsed the same, raised to what rounding noise does where that is more
 * @param broken loss of perplexity from which a level counts as broken
 * @param bootstrap how intervals were found
 * @param noiseFloor the reference with rounding noise, or null where it was not run
 * @param changePoint where losses begin to rise, or null with fewer than three widths or no rise
 * @param levels in the order of the rows
 */
public record Statistics(
        String reference,
        double margin,
        double marginUsed,
        double broken,
        Bootstrap bootstrap,
        NoiseFloor noiseFloor,
        ChangePoint changePoint,
        List<OfLevel> levels) {
    /**
     * @param blockLength tokens in a block
     * @param automaticLength what the autocorrelation asked for; blocks are longer only to make fewer of them
     * @param blocks that cover the text
     * @param resamples drawn
     * @param seed of the draws
     * @param critical standard errors that tell a pair of levels apart, all pairs taken together
     */
    public record Bootstrap(
            int blockLength, int automaticLength, int blocks, int resamples, long seed, double critical) {}

    /**
     * @param scale greatest relative size of the noise, 2⁻⁹ for bf16
     * @param seed of the noise
     * @param difference of log-perplexity to the reference
     * @param interval its 95 % interval
     * @param kldMean mean divergence in nats per token
     * @param sameTop1 share of equal first choices
     * @param spread of the divergence
     */
    public record NoiseFloor(
            double scale,
            long seed,
            double difference,
            double[] interval,
            double kldMean,
            double sameTop1,
            DivergenceSpread spread) {}

    /**
     * @param level canonical level string
     * @param difference of log-perplexity to the reference, nats per token
     * @param interval its 95 % interval from the block bootstrap
     * @param pairedError standard error of the difference by window, without resampling
     * @param simultaneous interval that holds for all levels together with 95 %; verdicts and ties rest on it
     * @param loss the verdict
     * @param moreTokens that would decide an indeterminate verdict, about; 0 for the others
     * @param group letters; two levels that share one are tied
     * @param kldInterval 95 % interval of the mean divergence from the block bootstrap
     * @param spread of the divergence
     */
    public record OfLevel(
            String level,
            double difference,
            double[] interval,
            double pairedError,
            double[] simultaneous,
            Loss loss,
            long moreTokens,
            String group,
            double[] kldInterval,
            DivergenceSpread spread) {}

    /** Of a level, the first where several share the name. */
    public Optional<OfLevel> of(String level) {
        return levels.stream().filter(l -> l.level().equals(level)).findFirst();
    }
}
