package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bitscarp.eval.report.SweepResult.Cliff;
import org.bitscarp.eval.report.SweepResult.Row;

/**
 * Finds where quality falls off as bits per weight are taken away.
 *
 * <p>Levels whose bits per weight differ by at most {@value #SAME_WIDTH} of the larger one are one width, and the level
 * with the lowest perplexity stands for it. The last safe level is the narrowest width whose perplexity is at most
 * {@code threshold} times the reference's: a wider level above the threshold does not matter when a narrower one is
 * below it, because nobody would ship it. The level that stands for the next width is where it falls. When nothing
 * narrower exceeds the threshold nothing falls, and the explanation names the place where ln(perplexity) per bit bends most
 * upwards, on the widths that no narrower width beats.
 */
public final class CliffRule {
    /** Ten percent more perplexity than the reference. */
    public static final double DEFAULT_THRESHOLD = 1.10;

    /** Ratio up to which the curve is called flat: one percent is below what readers of tables call a loss. */
    static final double FLAT = 1.01;

    /** Relative difference in bits per weight that is no difference in width: the headers of 4-bit formats spread so. */
    static final double SAME_WIDTH = 0.05;

    private final double threshold;

    public CliffRule() {
        this(DEFAULT_THRESHOLD);
    }

    /**
     * @param threshold perplexity ratio to the reference above which a level has fallen
     * @throws IllegalArgumentException when it is not a finite number above 1
     */
    public CliffRule(double threshold) {
        if (!(threshold > 1) || !Double.isFinite(threshold)) {
            throw new IllegalArgumentException("threshold of the cliff is " + threshold
                    + ", expected a ratio above 1, such as 1.10 for ten percent more perplexity");
        }
        this.threshold = threshold;
    }

    /** The rule in one sentence, as every report states it. */
    public String sentence() {
        return sentence(threshold);
    }

    static String sentence(double threshold) {
        return "The best level of each bit width counts, and the cliff is after the fewest bits per weight at which the"
                + " perplexity is still within " + Figures.allowance(threshold) + " of the reference (a perplexity that"
                + " is not finite, or that leaves out non-finite scores, has fallen); where nothing narrower exceeds"
                + " that, nothing falls.";
    }

    /**
     * The cliff under the main protocol.
     *
     * @param rows levels in any order, exactly one of them the reference
     * @return null when there are fewer than two widths, or when the reference has no finite perplexity
     * @throws IllegalArgumentException when there are rows but no reference
     */
    public Cliff find(List<Row> rows) {
        if (rows.isEmpty()) {
            return null;
        }
        Row reference = rows.stream()
                .filter(Row::reference)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "none of the " + rows.size() + " levels is the reference, expected exactly one"));
        List<Row> widths = widths(rows);
        if (!reference.sound() || widths.size() < 2) {
            return null;
        }
        int last = 0;
        for (int i = 0; i < widths.size(); i++) {
            if (ratio(widths.get(i), reference) <= threshold) {
                last = i;
            }
        }
        if (last < widths.size() - 1) {
            Row safe = widths.get(last);
            Row falls = widths.get(last + 1);
            return cliff(
                    safe,
                    falls,
                    describe(safe, reference) + doubt(safe, reference) + "; " + describe(falls, reference)
                            + doubt(falls, reference));
        }
        return bend(frontier(widths), reference);
    }

    private Cliff bend(List<Row> frontier, Row reference) {
        Row narrowest = frontier.getLast();
        String reached = describe(narrowest, reference);
        if (ratio(narrowest, reference) <= FLAT) {
            return cliff(narrowest, null, "No cliff was found within the levels measured: " + reached);
        }
        int bend = -1;
        double most = 0;
        for (int i = 1; i < frontier.size() - 1; i++) {
            double increase = slope(frontier.get(i), frontier.get(i + 1)) - slope(frontier.get(i - 1), frontier.get(i));
            if (increase > most) {
                most = increase;
                bend = i;
            }
        }
        String curve = bend < 0
                ? ", and the curve does not bend upwards before it"
                : "; the curve bends most at " + describe(frontier.get(bend), reference);
        return cliff(narrowest, null, "No cliff was found within the levels measured: " + reached + curve);
    }

    private Cliff cliff(Row safe, Row falls, String finding) {
        return new Cliff(
                safe.level(),
                safe.bitsPerWeight(),
                falls == null ? null : falls.level(),
                finding + ". " + sentence(),
                threshold);
    }

    /** Perplexity of the row over the reference's; infinite when the row's cannot be believed. */
    static double ratio(Row row, Row reference) {
        return row.sound() ? row.score().perplexity() / reference.score().perplexity() : Double.POSITIVE_INFINITY;
    }

    /** The best level of every width, from most to fewest bits per weight. */
    public static List<Row> widths(List<Row> rows) {
        List<Row> sorted = rows.stream()
                .filter(r -> r.bitsPerWeight() > 0 && Double.isFinite(r.bitsPerWeight()))
                .sorted(Comparator.comparingDouble(Row::bitsPerWeight).reversed())
                .toList();
        List<Row> best = new ArrayList<>();
        double widest = 0;
        for (Row row : sorted) {
            if (!best.isEmpty() && row.bitsPerWeight() >= widest * (1 - SAME_WIDTH)) {
                if (rank(row) < rank(best.getLast())) {
                    best.set(best.size() - 1, row);
                }
            } else {
                best.add(row);
                widest = row.bitsPerWeight();
            }
        }
        return best;
    }

    /** The widths that no narrower width beats: perplexity rises strictly along the list. */
    static List<Row> frontier(List<Row> widths) {
        List<Row> kept = new ArrayList<>();
        double best = Double.POSITIVE_INFINITY;
        for (Row row : widths.reversed()) {
            if (rank(row) < best) {
                best = rank(row);
                kept.addFirst(row);
            }
        }
        return kept;
    }

    private static double rank(Row row) {
        return row.sound() ? row.score().perplexity() : Double.POSITIVE_INFINITY;
    }

    /** Growth of ln(perplexity) per bit taken away. */
    private static double slope(Row wide, Row narrow) {
        return Math.log(narrow.score().perplexity() / wide.score().perplexity())
                / (wide.bitsPerWeight() - narrow.bitsPerWeight());
    }

    private static String describe(Row row, Row reference) {
        String what = row.level() + " (" + Figures.bits(row.bitsPerWeight()) + " bits per weight) ";
        if (row.reference()) {
            return what + "is the reference";
        }
        return row.sound()
                ? what + "is at " + Figures.roughPercent(ratio(row, reference) - 1)
                : what + "has no finite perplexity";
    }

    /** Says so when the paired interval does not settle on which side of the threshold the level is. */
    private String doubt(Row row, Row reference) {
        double[] interval = row.score().deltaPplCi95();
        double allowed = (threshold - 1) * reference.score().perplexity();
        return !row.reference() && row.sound() && interval != null && interval[0] <= allowed && interval[1] > allowed
                ? ", with a 95 % interval that includes the threshold"
                : "";
    }
}
