package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.stats.DivergenceSpread;
import org.bitscarp.eval.stats.Loss;

/** How sure the figures are, as tables and sentences that the reports for people print in the same words. */
final class StatisticsTables {
    static final String DIFFERENCE_TITLE = "How sure the losses are";
    static final String SPREAD_TITLE = "How the divergence is spread over tokens";
    static final String CONFIDENCE_TITLE = "Divergence by the reference's confidence";

    static final List<String> DIFFERENCE_HEAD =
            List.of("Level", "Δ %", "95 % interval", "± by window", "All levels together", "Ties", "Verdict");

    static final List<String> SPREAD_HEAD = List.of(
            "Level",
            "KL mean",
            "95 % interval",
            "Median",
            "90 %",
            "95 %",
            "99 %",
            "99.9 %",
            "Max",
            "Top-5 %",
            "Δp mean %",
            "Δp RMS %");

    static final String DIFFERENCE_LEGEND = "Δ % is the perplexity against the reference. Levels that share a letter"
            + " under Ties are not told apart. Verdicts rest on the intervals of all levels together.";

    static final String SPREAD_LEGEND = "KL in nats per token: so many percent of the tokens diverge by at most that."
            + " Top-5: share of the reference's five most likely tokens that are among the level's five. Δp: change of"
            + " the probability of the token that follows. Values a little below zero are rounding.";

    private StatisticsTables() {}

    static List<List<String>> differences(Statistics statistics) {
        List<List<String>> rows = new ArrayList<>();
        for (Statistics.OfLevel level : statistics.levels()) {
            boolean reference = level.level().equals(statistics.reference());
            rows.add(List.of(
                    level.level(),
                    reference ? "ref" : Figures.signed(Math.expm1(level.difference())),
                    reference ? Figures.NONE : interval(level.interval()),
                    reference ? Figures.NONE : Figures.fixed(100 * level.pairedError(), 3),
                    reference ? Figures.NONE : interval(level.simultaneous()),
                    level.group(),
                    reference ? Figures.NONE : verdict(level)));
        }
        return rows;
    }

    /** All levels but the reference, and the noise floor. */
    static List<List<String>> spreads(Statistics statistics, SweepResult result) {
        List<List<String>> rows = new ArrayList<>();
        for (Statistics.OfLevel level : compared(statistics)) {
            double mean = Verdict.row(result, level.level())
                    .map(row -> row.divergence() == null
                            ? Double.NaN
                            : row.divergence().kldMean())
                    .orElse(Double.NaN);
            rows.add(spread(
                    level.level(),
                    mean,
                    "[" + Figures.nats(level.kldInterval()[0]) + ", " + Figures.nats(level.kldInterval()[1]) + "]",
                    level.spread()));
        }
        Statistics.NoiseFloor floor = statistics.noiseFloor();
        if (floor != null) {
            rows.add(spread("noise floor", floor.kldMean(), Figures.NONE, floor.spread()));
        }
        return rows;
    }

    private static List<String> spread(String name, double mean, String interval, DivergenceSpread spread) {
        double[] kld = spread.kld();
        return List.of(
                name,
                Figures.nats(mean),
                interval,
                Figures.nats(spread.median()),
                Figures.nats(kld[4]),
                Figures.nats(kld[5]),
                Figures.nats(spread.percentile99()),
                Figures.nats(kld[7]),
                Figures.nats(spread.greatest()),
                Figures.share(spread.sharedTop5()),
                Figures.signed(spread.probability()),
                Figures.share(spread.probabilityRms()));
    }

    static List<String> confidenceHead(Statistics statistics) {
        List<String> head = new ArrayList<>(List.of("Level"));
        for (DivergenceSpread.Bucket bucket :
                statistics.levels().getFirst().spread().buckets()) {
            head.add("p " + Figures.tick(bucket.from()) + "–" + Figures.tick(bucket.to()) + " ("
                    + Figures.grouped(bucket.tokens()) + ")");
        }
        return head;
    }

    /** Mean divergence and equal first choices of each bucket. */
    static List<List<String>> confidence(Statistics statistics) {
        List<List<String>> rows = new ArrayList<>();
        for (Statistics.OfLevel level : compared(statistics)) {
            List<String> cells = new ArrayList<>(List.of(level.level()));
            for (DivergenceSpread.Bucket bucket : level.spread().buckets()) {
                cells.add(
                        bucket.tokens() == 0
                                ? Figures.NONE
                                : Figures.nats(bucket.kldMean()) + " · " + Figures.fixed(100 * bucket.sameTop1(), 1)
                                        + " %");
            }
            rows.add(cells);
        }
        return rows;
    }

    static final String CONFIDENCE_LEGEND = "Mean KL and equal first choices where the reference gives its most likely"
            + " token a probability p in that range (number of tokens). Where it is undecided, choices change easily;"
            + " where it is sure, they should not.";

    private static List<Statistics.OfLevel> compared(Statistics statistics) {
        return statistics.levels().stream()
                .filter(level -> !level.level().equals(statistics.reference()))
                .toList();
    }

    /** The verdict, and what would settle it where the text does not. */
    static String verdict(Statistics.OfLevel level) {
        if (level.loss() != Loss.INDETERMINATE) {
            return level.loss().text();
        }
        String more = level.moreTokens() > 1_000_000_000L
                ? "no text of sensible length decides it"
                : "about " + Figures.grouped(level.moreTokens()) + " more tokens would decide it";
        return level.loss().text() + ", " + more;
    }

    /** What the noise floor is, where losses begin, how intervals were found. */
    static List<String> sentences(Statistics statistics) {
        List<String> sentences = new ArrayList<>();
        sentences.add("Verdicts are at a margin of " + Figures.allowance(1 + statistics.marginUsed())
                + " perplexity"
                + (statistics.marginUsed() > statistics.margin() * (1 + 1e-12)
                        ? ", raised from " + Figures.allowance(1 + statistics.margin()) + " to what rounding noise does"
                        : "")
                + ": equivalent (the interval contains zero and lies within the margin, two one-sided tests), small"
                + " loss (above zero and within it), damaged (above it, or not finite), indeterminate (the text is too"
                + " short to tell).");
        Statistics.NoiseFloor floor = statistics.noiseFloor();
        if (floor != null) {
            sentences.add("Noise floor: the reference with noise of the size of bf16 rounding (2⁻⁹) after every layer"
                    + " changes the perplexity by " + Figures.signedPercent(Math.expm1(floor.difference())) + " "
                    + interval(floor.interval()) + ", has KL " + Figures.nats(floor.kldMean())
                    + " and the same top-1 in "
                    + Figures.share(floor.sameTop1())
                    + " % of places; what is no worse may as well be another machine.");
        }
        if (statistics.changePoint() != null) {
            sentences.add("Losses begin to rise steeply at "
                    + Figures.bits(statistics.changePoint().bits()) + " bits per weight (95 % interval "
                    + Figures.bits(statistics.changePoint().low()) + " to "
                    + Figures.bits(statistics.changePoint().high())
                    + "): the knot of a hinge through the log-perplexities of the best level of each width. The interval"
                    + " says how the choice of text moves it, not how far apart the widths are.");
        }
        Statistics.Bootstrap bootstrap = statistics.bootstrap();
        sentences.add("Intervals are of a moving-block bootstrap: " + Figures.grouped(bootstrap.resamples())
                + " resamples (seed " + bootstrap.seed() + ") of " + Figures.grouped(bootstrap.blocks()) + " blocks of "
                + Figures.grouped(bootstrap.blockLength())
                + " tokens, the same for all levels; the autocorrelation asks"
                + " for " + Figures.grouped(bootstrap.automaticLength())
                + " (Politis and White 2004). Two levels differ when they are "
                + Figures.fixed(bootstrap.critical(), 2)
                + " standard errors apart, which errs for any of all pairs together in 5 % of texts (max-T).");
        return sentences;
    }

    /** In percent, of an interval of log-perplexity; none where there are too few windows for one. */
    static String interval(double[] natural) {
        if (Double.isNaN(natural[0]) || Double.isNaN(natural[1])) {
            return Figures.NONE;
        }
        return "[" + Figures.signed(Math.expm1(natural[0])) + ", " + Figures.signed(Math.expm1(natural[1])) + "]";
    }
}
