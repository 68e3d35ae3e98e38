package org.bitscarp.eval.report;

import java.util.Optional;
import org.bitscarp.eval.report.SweepResult.Cliff;
import org.bitscarp.eval.report.SweepResult.Row;

/** What the sweep found, in plain words: the headline of every report. */
public final class Verdict {
    private Verdict() {}

    /** A few short sentences for people, without markup. */
    public static String of(SweepResult result) {
        String certainty = Certainty.sentence(result);
        return headline(result) + (certainty.isEmpty() ? "" : " " + certainty);
    }

    /** The first of them: down to where it is safe, and where the cliff is. */
    static String headline(SweepResult result) {
        Cliff cliff = result.cliff();
        if (cliff == null) {
            return reference(result).map(r -> !r.sound()).orElse(true)
                    ? "No cliff can be found: the reference has no finite perplexity."
                    : "Too few bit widths were measured to find a cliff.";
        }
        String safe = Certainty.safe(result);
        return (safe.isEmpty() ? "" : safe + " ") + fall(result, cliff);
    }

    private static String fall(SweepResult result, Cliff cliff) {
        Row reference = result.reference();
        Row last = row(result, cliff.level()).orElse(null);
        String allowed = Figures.allowance(cliff.threshold());
        if (cliff.fallsAt() == null) {
            return "No cliff found down to " + at(cliff.bitsPerWeight(), cliff.level()) + cost(last, reference) + ".";
        }
        Row falls = row(result, cliff.fallsAt()).orElse(null);
        String fall = (falls == null ? cliff.fallsAt() : at(falls.bitsPerWeight(), falls.level()))
                + cost(falls, reference) + ".";
        if (last != null && last.reference()) {
            return "Nothing below the reference is within " + allowed + ". Falls at " + fall;
        }
        return "Within " + allowed + " down to " + at(cliff.bitsPerWeight(), cliff.level()) + ", falls at " + fall;
    }

    /** The row of that level, the first where several share the name. */
    static Optional<Row> row(SweepResult result, String level) {
        return result.rows().stream().filter(r -> r.level().equals(level)).findFirst();
    }

    /** The reference, absent where a result has none. */
    static Optional<Row> reference(SweepResult result) {
        return result.rows().stream().filter(Row::reference).findFirst();
    }

    /** Ratio above which a level has fallen, as the cliff states it. */
    static double threshold(SweepResult result) {
        return result.cliff() == null
                ? CliffRule.DEFAULT_THRESHOLD
                : result.cliff().threshold();
    }

    static String at(double bits, String level) {
        return Figures.bits(bits) + " bits (" + level + ")";
    }

    private static String cost(Row row, Row reference) {
        if (row == null || row.reference()) {
            return "";
        }
        return row.sound()
                ? ": " + Figures.roughPercent(CliffRule.ratio(row, reference) - 1)
                : ": no finite perplexity";
    }
}
