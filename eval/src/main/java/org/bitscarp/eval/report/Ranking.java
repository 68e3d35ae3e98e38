package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bitscarp.eval.report.SweepResult.Row;

/** Files in the order of their divergence from the reference, and which of them nobody should prefer. */
public final class Ranking {
    private Ranking() {}

    /** A line for each row but the reference, the closest to it first; rows with scores that are not finite come last. */
    public static List<String> lines(SweepResult result) {
        List<Row> ranked = result.rows().stream()
                .filter(row -> !row.reference())
                .sorted(Comparator.comparing(Row::sound)
                        .reversed()
                        .thenComparing(row -> row.divergence().kldMean())
                        .thenComparing(Row::bytes))
                .toList();
        double reference = result.reference().score().perplexity();
        List<String> lines = new ArrayList<>();
        for (Row row : ranked) {
            double perplexity = row.score().perplexity();
            lines.add((lines.size() + 1) + ". " + StatisticsText.printable(row.level()) + ": KL "
                    + Figures.nats(row.divergence().kldMean()) + ", perplexity " + Figures.perplexity(perplexity, 4)
                    + " (" + Figures.signedPercent(perplexity / reference - 1) + "), " + Figures.size(row.bytes()));
        }
        return lines;
    }

    /**
     * A sentence for each row that another beats in both respects: no more bytes, and less divergence even at the ends of
     * the two 95 % intervals.
     */
    public static List<String> beaten(List<Row> rows, Statistics statistics) {
        List<String> sentences = new ArrayList<>();
        for (Row row : rows) {
            rows.stream()
                    .filter(other -> !row.reference() && !other.reference() && beats(other, row, statistics))
                    .min(Comparator.comparingDouble(other -> other.divergence().kldMean()))
                    .ifPresent(other -> sentences.add(other.level() + " is closer to the reference than " + row.level()
                            + " and no larger (" + Figures.size(other.bytes()) + " against "
                            + Figures.size(row.bytes()) + ")."));
        }
        return sentences;
    }

    private static boolean beats(Row other, Row row, Statistics statistics) {
        double upper = statistics.of(other.level()).orElseThrow().kldInterval()[1];
        double lower = statistics.of(row.level()).orElseThrow().kldInterval()[0];
        return other.bytes() <= row.bytes() && other.sound() && upper < lower;
    }
}
