package org.bitscarp.eval.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import org.bitscarp.eval.report.MergedSweeps.Entry;
import org.bitscarp.eval.report.SeriesChart.Point;

/** The charts of merged sweeps: quality and divergence, against bits per weight and against bytes. */
final class MergedCharts {
    /** Names of the chart files, without their endings. */
    static final List<String> NAMES = List.of("quality-by-bytes", "quality-by-bits", "kl-by-bits", "kl-by-bytes");

    private final MergedSweeps merged;

    MergedCharts(MergedSweeps merged) {
        this.merged = merged;
    }

    /** Charts that have something to show, by name. */
    SequencedMap<String, SeriesChart> all() {
        String quality = merged.perByte() ? "Bits per byte" : "Perplexity";
        String divergence = "KL from each model's own reference";
        String unit = merged.perByte() ? "KL (bits per byte)" : "KL (nats per token)";
        SequencedMap<String, SeriesChart> charts = new LinkedHashMap<>();
        List<SeriesChart> drawn = List.of(
                chart(quality + " against size", merged.qualityName(), true, merged::quality, true),
                chart(quality + " against bits per weight", merged.qualityName(), false, merged::quality, false),
                chart(divergence + " against bits per weight", unit, false, this::divergence, false),
                chart(divergence + " against size", unit, true, this::divergence, false));
        for (int i = 0; i < drawn.size(); i++) {
            if (drawn.get(i).drawable()) {
                charts.put(NAMES.get(i), drawn.get(i));
            }
        }
        return charts;
    }

    private SeriesChart chart(
            String title, String yTitle, boolean bytes, ToDoubleFunction<Entry> value, boolean withFrontier) {
        ToDoubleFunction<Entry> size =
                bytes ? e -> e.row().bytes() / 1e6 : e -> e.row().bitsPerWeight();
        List<Entry> shown = merged.entries().stream()
                .filter(e -> positive(size.applyAsDouble(e)) && positive(value.applyAsDouble(e)))
                .toList();
        double least = shown.stream().mapToDouble(value).min().orElse(1);
        double most = shown.stream().mapToDouble(value).max().orElse(1);
        return new SeriesChart(
                title,
                new MergedTables(merged).verdict() + " Every level is in the table below.",
                bytes ? "MB of the whole model" : "bits per weight",
                yTitle,
                bytes ? new double[0] : ScatterChart.BITS,
                most / least > LevelCharts.LOG_FROM,
                merged.series(),
                shown.stream().map(e -> point(e, size, value)).toList(),
                withFrontier
                        ? merged.frontier().stream()
                                .filter(shown::contains)
                                .map(e -> point(e, size, value))
                                .toList()
                        : List.of());
    }

    private Point point(Entry entry, ToDoubleFunction<Entry> size, ToDoubleFunction<Entry> value) {
        String readout = merged.name(entry) + " " + entry.row().level() + ", "
                + Figures.bits(entry.row().bitsPerWeight()) + " bits per weight, "
                + Figures.size(entry.row().bytes()) + ", " + merged.qualityName() + " "
                + Figures.fixed(merged.quality(entry), Figures.decimals(merged.quality(entry)))
                + (entry.row().reference() ? ", the reference" : ", KL " + Figures.nats(merged.divergence(entry)));
        return new Point(
                entry.series(),
                size.applyAsDouble(entry),
                value.applyAsDouble(entry),
                entry.row().level(),
                readout);
    }

    /** Of the reference from itself it is zero, which a logarithm cannot show. */
    private double divergence(Entry entry) {
        return entry.row().reference() || !entry.row().sound() ? Double.NaN : merged.divergence(entry);
    }

    private static boolean positive(double x) {
        return Double.isFinite(x) && x > 0;
    }
}
