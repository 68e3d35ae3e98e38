package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bitscarp.eval.report.ChartSpec.Band;
import org.bitscarp.eval.report.ChartSpec.Line;
import org.bitscarp.eval.report.ChartSpec.Point;
import org.bitscarp.eval.report.SweepResult.Row;

/** The two charts of a sweep: perplexity and divergence against bits per weight. */
final class LevelCharts {
    /** Ratio of the highest to the lowest perplexity from which a linear axis would squash the low end. */
    static final double LOG_FROM = 3;

    private final SweepResult result;
    private final Cells cells;
    private final List<Row> rows;
    private final Set<String> best = new HashSet<>();

    LevelCharts(SweepResult result) {
        this.result = result;
        this.cells = new Cells(result);
        this.rows = result.rows().stream()
                .filter(r -> r.bitsPerWeight() > 0 && Double.isFinite(r.bitsPerWeight()))
                .toList();
        CliffRule.widths(rows).forEach(r -> best.add(r.level()));
    }

    /** Perplexity under the main protocol, with the reference, the threshold and the cliff. */
    ChartSpec perplexity() {
        double least = rows.stream()
                .mapToDouble(this::perplexity)
                .filter(Double::isFinite)
                .min()
                .orElse(1);
        double most = rows.stream()
                .mapToDouble(this::perplexity)
                .filter(Double::isFinite)
                .max()
                .orElse(1);
        List<Point> points = new ArrayList<>();
        for (Row row : rows) {
            double value = perplexity(row);
            double error = row.score().stderr();
            points.add(new Point(
                    row.level(),
                    readout(row),
                    kind(row),
                    row.bitsPerWeight(),
                    value,
                    paired(row),
                    error > 0 ? new double[] {value - error, value + error} : null,
                    best.contains(row.level()),
                    priority(row)));
        }
        List<Line> lines = new ArrayList<>();
        Verdict.reference(result).filter(Row::sound).ifPresent(reference -> {
            double base = reference.score().perplexity();
            double threshold = Verdict.threshold(result);
            // Far above everything measured the threshold would only flatten the curve.
            if (most > base * (1 + (threshold - 1) / 2)) {
                lines.add(new Line(base * threshold, "threshold " + Figures.allowance(threshold), "threshold"));
            }
            lines.add(new Line(base, "reference " + cells.perplexity(reference, 0), "below"));
        });
        return new ChartSpec(
                "Perplexity against bits per weight",
                Verdict.of(result) + " Every level is in the table below.",
                "perplexity (" + result.protocols().getFirst().name() + ")",
                most / least > LOG_FROM,
                widest(),
                narrowest(),
                points,
                lines,
                band());
    }

    /** Divergence from the reference on a logarithmic axis; levels without any, the reference among them, are left out. */
    ChartSpec divergence() {
        List<Point> points = new ArrayList<>();
        for (Row row : rows) {
            if (row.reference() || row.divergence() == null || row.divergence().kldMean() <= 0) {
                continue;
            }
            double value = row.divergence().kldMean();
            points.add(new Point(
                    row.level(),
                    readout(row),
                    kind(row),
                    row.bitsPerWeight(),
                    value,
                    divergenceInterval(row),
                    null,
                    best.contains(row.level()),
                    priority(row)));
        }
        Statistics.NoiseFloor floor =
                result.statistics() == null ? null : result.statistics().noiseFloor();
        List<Line> lines = floor == null || !(floor.kldMean() > 0)
                ? List.of()
                : List.of(new Line(floor.kldMean(), "noise floor " + Figures.nats(floor.kldMean()), "below"));
        return new ChartSpec(
                "KL divergence from the reference against bits per weight",
                "How far each level's predictions are from the reference's. Every level is in the table below.",
                "KL divergence, nats per token (log scale)",
                true,
                widest(),
                narrowest(),
                points,
                lines,
                null);
    }

    /** Null where no interval was found, or where it reaches down to what a logarithmic axis has no place for. */
    private double[] divergenceInterval(Row row) {
        if (result.statistics() == null) {
            return null;
        }
        return result.statistics()
                .of(row.level())
                .map(Statistics.OfLevel::kldInterval)
                .filter(interval -> interval[0] > 0 && Double.isFinite(interval[1]))
                .orElse(null);
    }

    private double widest() {
        return rows.stream().mapToDouble(Row::bitsPerWeight).max().orElse(16);
    }

    private double narrowest() {
        return rows.stream().mapToDouble(Row::bitsPerWeight).min().orElse(1);
    }

    private Band band() {
        if (result.cliff() == null || result.cliff().fallsAt() == null) {
            return null;
        }
        return Verdict.row(result, result.cliff().fallsAt())
                .filter(falls -> falls.bitsPerWeight() > 0)
                .map(falls -> new Band(result.cliff().bitsPerWeight(), falls.bitsPerWeight(), "the cliff"))
                .orElse(null);
    }

    private double perplexity(Row row) {
        return row.score().perplexity();
    }

    private double[] paired(Row row) {
        double[] interval = row.score().deltaPplCi95();
        if (row.reference() || interval == null) {
            return null;
        }
        double base = perplexity(row) - row.score().deltaPpl();
        return new double[] {base + interval[0], base + interval[1]};
    }

    private int priority(Row row) {
        return (cells.falls(row) ? 16 : 0)
                + (cells.lastSafe(row) ? 8 : 0)
                + (row.reference() ? ScatterChart.FOREMOST : 0)
                + (best.contains(row.level()) ? 2 : 1);
    }

    private String kind(Row row) {
        return cells.falls(row)
                ? "falls"
                : cells.lastSafe(row)
                        ? "safe"
                        : switch (cells.standing(row)) {
                            case REFERENCE -> "reference";
                            case GOOD, FAIR -> "fine";
                            case FALLEN -> "fallen";
                        };
    }

    /** The row in a sentence. */
    private String readout(Row row) {
        StringBuilder text = new StringBuilder(row.level());
        text.append(", ").append(Figures.bits(row.bitsPerWeight())).append(" bits per weight");
        text.append(", perplexity ").append(cells.perplexity(row, 0));
        if (row.reference()) {
            return text.append(", the reference").toString();
        }
        text.append(", ").append(cells.delta(row)).append(" % ").append(cells.interval(row));
        if (row.divergence() != null) {
            text.append(", KL ").append(cells.divergence(row));
            text.append(", same top-1 ").append(cells.sameTop1(row)).append(" %");
        }
        return text.toString();
    }
}
