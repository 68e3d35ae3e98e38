package org.bitscarp.eval.report;

import java.util.Optional;
import org.bitscarp.eval.report.SweepResult.Divergence;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;

/** The words and figures of a result's rows, the same in every table. */
final class Cells {
    /** How a level stands against the threshold of the cliff. */
    enum Standing {
        REFERENCE,
        /** At most half of what the threshold allows. */
        GOOD,
        /** Within the threshold. */
        FAIR,
        /** Above it, or not finite. */
        FALLEN
    }

    private final SweepResult result;
    private final Row reference;
    private final Row lastSafe;

    Cells(SweepResult result) {
        this.result = result;
        this.reference = Verdict.reference(result).orElse(null);
        this.lastSafe = Certainty.lastSafe(result).orElse(null);
    }

    Standing standing(Row row) {
        if (row.reference()) {
            return Standing.REFERENCE;
        }
        if (reference == null) {
            return row.sound() ? Standing.FAIR : Standing.FALLEN;
        }
        double ratio = CliffRule.ratio(row, reference);
        double threshold = Verdict.threshold(result);
        // Negated, so that a reference that is not finite leaves nothing looking good.
        if (!(ratio <= threshold)) {
            return Standing.FALLEN;
        }
        return ratio <= 1 + (threshold - 1) / 2 ? Standing.GOOD : Standing.FAIR;
    }

    /** Whether this is the narrowest level that the verdicts call safe, with all wider ones. */
    boolean lastSafe(Row row) {
        return row.equals(lastSafe);
    }

    boolean falls(Row row) {
        return result.cliff() != null && row.level().equals(result.cliff().fallsAt());
    }

    /** Perplexity under the protocol with that index; decimals are those of the best row, so that columns line up. */
    String perplexity(Row row, int protocol) {
        return Figures.perplexity(row.scores().get(protocol).perplexity(), decimals(protocol));
    }

    String stderr(Row row) {
        return Figures.perplexity(row.score().stderr(), decimals(0));
    }

    /** Size of the whole model in millions of bytes. */
    String megabytes(Row row) {
        long least = result.rows().stream().mapToLong(Row::bytes).min().orElse(0);
        return Figures.megabytes(row.bytes(), least);
    }

    /** Difference to the reference in percent without the unit, {@code ≈} before it when the two are tied. */
    String delta(Row row) {
        if (row.reference()) {
            return "ref";
        }
        Score score = row.score();
        return (score.tied() ? "≈ " : "") + Figures.signed(score.deltaPpl() / scale());
    }

    /** 95 % interval of {@link #delta} in percent without the unit. */
    String interval(Row row) {
        double[] interval = row.score().deltaPplCi95();
        if (row.reference() || interval == null) {
            return Figures.NONE;
        }
        return "[" + Figures.signed(interval[0] / scale()) + ", " + Figures.signed(interval[1] / scale()) + "]";
    }

    /** Letters of the level's group of ties. */
    String ties(Row row) {
        return certainty(row).map(Statistics.OfLevel::group).orElse(Figures.NONE);
    }

    /** The verdict at the margin, in a word. */
    String verdict(Row row) {
        return row.reference()
                ? Figures.NONE
                : certainty(row).map(level -> level.loss().text()).orElse(Figures.NONE);
    }

    private Optional<Statistics.OfLevel> certainty(Row row) {
        return result.statistics() == null
                ? Optional.empty()
                : result.statistics().of(row.level());
    }

    String divergence(Row row) {
        Divergence divergence = row.divergence();
        return row.reference() || divergence == null ? Figures.NONE : Figures.nats(divergence.kldMean());
    }

    /** Share of equal first choices in percent without the unit. */
    String sameTop1(Row row) {
        Divergence divergence = row.divergence();
        return row.reference() || divergence == null ? Figures.NONE : Figures.share(divergence.sameTop1());
    }

    String bitsPerByte(Row row) {
        return Figures.fixed(row.score().bitsPerByte(), 4);
    }

    String weightError(Row row) {
        return Figures.errorPercent(row.weightError());
    }

    private int decimals(int protocol) {
        double least = result.rows().stream()
                .mapToDouble(r -> r.scores().get(protocol).perplexity())
                .filter(Double::isFinite)
                .min()
                .orElse(Double.NaN);
        return Figures.decimals(least);
    }

    private double scale() {
        return reference == null ? Double.NaN : reference.score().perplexity();
    }
}
