package org.bitscarp.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.TokenScores;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.Statistics;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.eval.stats.BlockBootstrap;
import org.bitscarp.eval.stats.ChangePoint;
import org.bitscarp.eval.stats.Comparisons;
import org.bitscarp.eval.stats.DivergenceSpread;
import org.bitscarp.eval.stats.Loss;
import org.bitscarp.eval.stats.MeanDivergence;
import org.bitscarp.eval.stats.PairedDifference;
import org.bitscarp.eval.stats.Perplexity;

/** From token scores to rows and statistics. */
final class Assessment {
    private final List<Measured> measured;
    private final List<LevelResult> results;
    private final LevelResult reference;
    private final LevelResult noiseFloor;
    private final WindowPlan plan;
    private final Judgement judgement;
    private final List<Compared> protocols = new ArrayList<>();

    /** Levels on the positions of one protocol. */
    private record Compared(BlockBootstrap bootstrap, Comparisons comparisons) {}

    /**
     * @param measured the first is the reference
     * @param noiseFloor the reference with rounding noise, or null
     */
    Assessment(List<Measured> measured, LevelResult noiseFloor, WindowPlan plan, Judgement judgement) {
        this.measured = measured;
        results = measured.stream().map(Measured::result).toList();
        this.reference = results.getFirst();
        this.noiseFloor = noiseFloor;
        this.plan = plan;
        this.judgement = judgement;
        for (int p = 0; p < plan.protocols().size(); p++) {
            List<double[]> differences = new ArrayList<>();
            for (LevelResult result : withNoise()) {
                differences.add(differences(result, plan.scoredRows(p)));
            }
            BlockBootstrap bootstrap = BlockBootstrap.of(differences, judgement.seed());
            protocols.add(new Compared(bootstrap, new Comparisons(bootstrap, results.size())));
        }
    }

    private List<LevelResult> withNoise() {
        List<LevelResult> all = new ArrayList<>(results);
        if (noiseFloor != null) {
            all.add(noiseFloor);
        }
        return all;
    }

    private double[] differences(LevelResult result, int[] rows) {
        double[] differences = new double[rows.length];
        for (int i = 0; i < rows.length; i++) {
            differences[i] = result.scores().nll()[rows[i]] - reference.scores().nll()[rows[i]];
        }
        return differences;
    }

    /** One row for each level, from most to fewest bits per weight. */
    List<SweepResult.Row> rows(TokenizedText text) {
        List<SweepResult.Row> rows = new ArrayList<>();
        for (int l = 0; l < results.size(); l++) {
            Measured one = measured.get(l);
            LevelResult result = one.result();
            List<SweepResult.Score> scores = new ArrayList<>();
            for (int p = 0; p < plan.protocols().size(); p++) {
                scores.add(score(l, p, text));
            }
            MeanDivergence divergence = divergence(result.scores());
            rows.add(new SweepResult.Row(
                    one.name(),
                    one.format(),
                    one.solver(),
                    result == reference,
                    result.bitsPerWeight(),
                    8.0 * result.modelBytes() / one.parameters(),
                    result.modelBytes(),
                    scores,
                    new SweepResult.Divergence(divergence.mean(), divergence.stderr(), divergence.sameTop1()),
                    result.stats().relativeError(),
                    result.layerErrors(),
                    result.seconds(),
                    result.stats().fallbacks,
                    nonfinite(result)));
        }
        rows.sort(Comparator.comparingDouble(SweepResult.Row::bitsPerWeight).reversed());
        return rows;
    }

    private MeanDivergence divergence(TokenScores scores) {
        return MeanDivergence.of(scores.kld(), scores.sameTop1(), plan.scoredRows(0));
    }

    /** Scored positions, of any protocol, whose likelihood or divergence is NaN or infinite. */
    private long nonfinite(LevelResult result) {
        long count = 0;
        for (WindowPlan.Unit unit : plan.units()) {
            for (int scored : unit.scored()) {
                int row = unit.firstRow() + scored;
                boolean sound = Double.isFinite(result.scores().nll()[row])
                        && Double.isFinite(result.scores().kld()[row]);
                count += sound ? 0 : 1;
            }
        }
        return count;
    }

    private SweepResult.Score score(int level, int protocol, TokenizedText text) {
        Perplexity perplexity = Perplexity.of(results.get(level).scores().nll(), plan.scoredRows(protocol));
        double base = Perplexity.of(reference.scores().nll(), plan.scoredRows(protocol))
                .value();
        double nats = perplexity.nllSum() / perplexity.count();
        Compared compared = protocols.get(protocol);
        double[] interval = compared.bootstrap.interval(level, 0.95);
        return new SweepResult.Score(
                plan.protocols().get(protocol).kind().text(),
                perplexity.value(),
                perplexity.stderr(),
                perplexity.nllSum(),
                perplexity.count(),
                nats / Math.log(2) * text.tokensPerByte(),
                base * Math.expm1(compared.bootstrap.mean(level)),
                new double[] {base * Math.expm1(interval[0]), base * Math.expm1(interval[1])},
                tied(compared, level));
    }

    /** A level without an interval is tied only with itself. */
    private static boolean tied(Compared compared, int level) {
        double[] interval = compared.comparisons.interval(level, 0);
        return interval[0] <= 0 && interval[1] >= 0;
    }

    /** How sure the figures of the main protocol are; null with a single level. */
    Statistics statistics(List<SweepResult.Row> rows) {
        if (results.size() < 2) {
            return null;
        }
        BlockBootstrap bootstrap = protocols.getFirst().bootstrap;
        Comparisons comparisons = protocols.getFirst().comparisons;
        List<double[]> divergences = new ArrayList<>();
        for (LevelResult result : results) {
            divergences.add(result.scores().select(plan.scoredRows(0)).kld());
        }
        BlockBootstrap divergence = BlockBootstrap.of(divergences, judgement.seed());
        List<String> letters = comparisons.letters();
        double margin = Math.max(Math.log1p(judgement.margin()), noise(bootstrap));
        List<Statistics.OfLevel> levels = new ArrayList<>();
        for (SweepResult.Row row : rows) {
            levels.add(level(row, bootstrap, comparisons, divergence, letters, margin));
        }
        return new Statistics(
                measured.getFirst().name(),
                judgement.margin(),
                Math.expm1(margin),
                judgement.broken(),
                new Statistics.Bootstrap(
                        bootstrap.blockLength(),
                        bootstrap.automaticLength(),
                        bootstrap.blocks(),
                        bootstrap.resamples(),
                        judgement.seed(),
                        comparisons.critical()),
                noiseFloor(bootstrap),
                changePoint(rows, bootstrap),
                levels);
    }

    private Statistics.OfLevel level(
            SweepResult.Row row,
            BlockBootstrap bootstrap,
            Comparisons comparisons,
            BlockBootstrap divergence,
            List<String> letters,
            double margin) {
        int l = index(row);
        LevelResult result = results.get(l);
        double[] simultaneous = comparisons.interval(l, 0);
        // What is not finite is damage whatever the rest of the tokens say.
        Loss loss = row.sound() ? Loss.of(simultaneous[0], simultaneous[1], margin) : Loss.DAMAGED;
        double difference = bootstrap.mean(l);
        return new Statistics.OfLevel(
                row.level(),
                difference,
                bootstrap.interval(l, 0.95),
                PairedDifference.of(
                                result.scores().nll(),
                                reference.scores().nll(),
                                plan.scoredRows(0),
                                plan.scoredWindows(0))
                        .stderr(),
                simultaneous,
                loss,
                loss == Loss.INDETERMINATE
                        ? Loss.moreTokens(
                                difference,
                                simultaneous[0],
                                simultaneous[1],
                                margin,
                                row.score().tokensScored())
                        : 0,
                letters.get(l),
                divergence.interval(l, 0.95),
                spread(result.scores()));
    }

    private int index(SweepResult.Row row) {
        for (int l = 0; l < results.size(); l++) {
            if (measured.get(l).name().equals(row.level())) {
                return l;
            }
        }
        throw new IllegalStateException("row " + row.level() + " is of no level of this sweep");
    }

    private DivergenceSpread spread(TokenScores scores) {
        return DivergenceSpread.of(
                scores.kld(),
                scores.sameTop1(),
                scores.sharedTop5(),
                scores.nll(),
                reference.scores().nll(),
                reference.scores().confidence(),
                plan.scoredRows(0));
    }

    /** The greatest change of log-perplexity that noise is likely to make; 0 where none was run. */
    private double noise(BlockBootstrap bootstrap) {
        if (noiseFloor == null) {
            return 0;
        }
        double[] interval = bootstrap.interval(results.size(), 0.95);
        double reach = Math.max(Math.abs(interval[0]), Math.abs(interval[1]));
        return Double.isFinite(reach) ? reach : 0;
    }

    private Statistics.NoiseFloor noiseFloor(BlockBootstrap bootstrap) {
        if (noiseFloor == null) {
            return null;
        }
        MeanDivergence divergence = divergence(noiseFloor.scores());
        return new Statistics.NoiseFloor(
                judgement.noise().scale(),
                judgement.noise().seed(),
                bootstrap.mean(results.size()),
                bootstrap.interval(results.size(), 0.95),
                divergence.mean(),
                divergence.sameTop1(),
                spread(noiseFloor.scores()));
    }

    /** Over the levels that the cliff's rule looks at: the best of each width. */
    private ChangePoint changePoint(List<SweepResult.Row> rows, BlockBootstrap bootstrap) {
        List<SweepResult.Row> widths =
                CliffRule.widths(rows).stream().filter(SweepResult.Row::sound).toList();
        double[] bits =
                widths.stream().mapToDouble(SweepResult.Row::bitsPerWeight).toArray();
        int[] series = widths.stream().mapToInt(this::index).toArray();
        return ChangePoint.of(bits, series, bootstrap);
    }
}
