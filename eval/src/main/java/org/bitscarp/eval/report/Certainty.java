package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.stats.Loss;

/** What the intervals say: down to where nothing is lost, what the levels below cost, what is broken. */
final class Certainty {
    private Certainty() {}

    /** Down to where it is safe, which is what the verdicts of the rows say; nothing where there are no verdicts. */
    static String safe(SweepResult result) {
        if (result.statistics() == null) {
            return "";
        }
        String margin = Figures.allowance(1 + result.statistics().marginUsed());
        return lastSafe(result)
                .map(row -> "Safe down to " + Verdict.at(row.bitsPerWeight(), row.level()) + ", within " + margin + ".")
                .orElse("Nothing below the reference is shown to be safe, which is to stay within " + margin + ".");
    }

    /** The narrowest width of those that, with every wider one, are shown to lose no more than the margin. */
    static Optional<Row> lastSafe(SweepResult result) {
        return result.statistics() == null
                ? Optional.empty()
                : unharmed(CliffRule.widths(result.rows()), result.statistics());
    }

    /** What the levels that are not safe cost, in one sentence; nothing where there is nothing to add. */
    static String sentence(SweepResult result) {
        Statistics statistics = result.statistics();
        Row reference = Verdict.reference(result).orElse(null);
        if (statistics == null || reference == null || result.cliff() == null) {
            return "";
        }
        List<Row> widths = CliffRule.widths(result.rows());
        List<String> parts = new ArrayList<>();
        for (Row row : widths) {
            boolean harmed = statistics
                    .of(row.level())
                    .filter(l -> l.loss() == Loss.DAMAGED || l.loss() == Loss.INDETERMINATE)
                    .isPresent();
            if (harmed && !broken(row, reference, statistics) && row.sound()) {
                parts.add(row.level() + " costs "
                        + range(statistics.of(row.level()).orElseThrow().interval()));
            }
        }
        widths.stream()
                .filter(row -> widths.subList(widths.indexOf(row), widths.size()).stream()
                        .allMatch(r -> broken(r, reference, statistics)))
                .findFirst()
                .ifPresent(row -> parts.add("broken from " + Verdict.at(row.bitsPerWeight(), row.level()) + " down"));
        String sentence = String.join("; ", parts);
        return sentence.isEmpty() ? "" : sentence + ".";
    }

    private static Optional<Row> unharmed(List<Row> widths, Statistics statistics) {
        Row last = null;
        for (Row row : widths) {
            boolean fine = row.reference()
                    || statistics
                            .of(row.level())
                            .filter(l -> l.loss() == Loss.EQUIVALENT || l.loss() == Loss.SMALL)
                            .isPresent();
            if (!fine) {
                break;
            }
            last = row;
        }
        return Optional.ofNullable(last).filter(row -> !row.reference());
    }

    private static boolean broken(Row row, Row reference, Statistics statistics) {
        return CliffRule.ratio(row, reference) > 1 + statistics.broken();
    }

    /** {@code 5.6 to 8.4 %}. */
    private static String range(double[] interval) {
        String low = Figures.roughPercent(Math.expm1(interval[0]));
        String high = Figures.roughPercent(Math.expm1(interval[1]));
        return (low.replace(" %", "") + " to " + high).replace("+", "");
    }
}
