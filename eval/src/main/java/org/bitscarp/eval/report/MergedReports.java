package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.bitscarp.eval.report.MergedSweeps.Entry;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;

/** The files of merged sweeps: {@code merged.html}, {@code .md}, {@code .csv}, {@code .json}, {@code .tex} and charts. */
public final class MergedReports {
    public static final String HTML = "merged.html";

    private static final List<String> COLUMNS = List.of(
            "model",
            "model_sha256",
            "tokenizer_sha256",
            "sweep",
            "device",
            "compute",
            "calibration",
            "level",
            "reference",
            "bits_per_weight",
            "model_bits_per_weight",
            "bytes",
            "perplexity",
            "stderr",
            "bits_per_byte",
            "delta_ppl",
            "delta_ppl_ci95_low",
            "delta_ppl_ci95_high",
            "tied",
            "kld_mean",
            "kld_stderr",
            "same_top1",
            "fallbacks",
            "nonfinite",
            "frontier",
            "notes");

    private MergedReports() {}

    /**
     * Writes all files into {@code folder}; none is touched before all are on the disk under temporary names. Charts of
     * an earlier call that this one does not draw are deleted.
     *
     * @param pixels whether to draw PNG files beside the SVG ones
     */
    public static void writeAll(MergedSweeps merged, Path folder, boolean pixels) throws IOException {
        SequencedMap<Path, byte[]> files = new LinkedHashMap<>();
        put(files, folder.resolve(HTML), html(merged));
        put(files, folder.resolve("merged.md"), markdown(merged));
        put(files, folder.resolve("merged.csv"), csv(merged));
        put(files, folder.resolve("merged.json"), json(merged));
        put(files, folder.resolve("merged.tex"), latex(merged));
        for (Map.Entry<String, SeriesChart> chart :
                new MergedCharts(merged).all().entrySet()) {
            put(files, folder.resolve(chart.getKey() + ".svg"), SeriesPlot.svg(chart.getValue()));
            if (pixels) {
                files.put(folder.resolve(chart.getKey() + ".png"), SeriesPlot.png(chart.getValue()));
            }
        }
        Files.createDirectories(folder);
        StagedFiles.writeAll(files, StagedFiles::toDisk);
        for (String name : MergedCharts.NAMES) {
            for (String ending : List.of(".svg", ".png")) {
                if (!files.containsKey(folder.resolve(name + ending))) {
                    Files.deleteIfExists(folder.resolve(name + ending));
                }
            }
        }
    }

    private static void put(Map<Path, byte[]> files, Path file, String text) {
        files.put(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /** The verdict and the levels that are worth their bytes, for a terminal. */
    public static String console(MergedSweeps merged) {
        MergedTables tables = new MergedTables(merged);
        StringBuilder out = new StringBuilder(tables.verdict()).append('\n');
        for (Entry entry : merged.frontier()) {
            out.append("  ")
                    .append(Figures.size(entry.row().bytes()))
                    .append("  ")
                    .append(merged.name(entry))
                    .append(' ')
                    .append(entry.row().level())
                    .append(", ")
                    .append(merged.qualityName())
                    .append(' ')
                    .append(Figures.fixed(merged.quality(entry), Figures.decimals(merged.quality(entry))))
                    .append('\n');
        }
        // Names come from files: they must not steer the terminal.
        return out.toString().replaceAll("[\\p{Cntrl}\\p{Cf}&&[^\n]]", "?");
    }

    /** The object of {@code merged.json}, with a final line feed. */
    public static String json(MergedSweeps merged) {
        return MergedJson.render(merged);
    }

    static String html(MergedSweeps merged) {
        MergedTables tables = new MergedTables(merged);
        Svg html = HtmlPage.open(tables.title());
        html.open("header");
        HtmlPage.headline(html, tables.title(), tables.verdict());
        html.close().newline();
        new MergedCharts(merged).all().forEach((name, chart) -> {
            html.open("section", "aria-labelledby", name);
            html.element("h2", chart.title(), "id", name).open("figure");
            html.raw(SeriesPlot.onPage(chart, name, false)).raw(SeriesPlot.onPage(chart, name, true));
            html.element("figcaption", caption(chart)).close().close().newline();
        });
        html.open("section", "aria-labelledby", "levels").element("h2", "Every level", "id", "levels");
        HtmlPage.table(html, "merged", "All levels of all sweeps", tables.head(), tables.rows());
        html.element("p", tables.legend(), "class", "legend").close().newline();
        HtmlPage.notes(html, merged.notes());
        html.open("section", "aria-labelledby", "method").element("h2", "How this was measured", "id", "method");
        html.element("p", tables.method(), "class", "legend");
        HtmlPage.table(html, "sweeps", "Sweeps", MergedTables.SWEEP_HEAD, tables.sweeps());
        html.close().newline();
        HtmlPage.repeat(html, commands(merged));
        return HtmlPage.close(html);
    }

    private static String caption(SeriesChart chart) {
        return "Curves join the levels of a model that no other level of it beats."
                + (chart.frontier().isEmpty() ? "" : " Dashed: the levels that no level of any model beats.");
    }

    private static String commands(MergedSweeps merged) {
        return merged.sweeps().stream().map(s -> String.valueOf(s.command())).collect(Collectors.joining("\n"));
    }

    static String markdown(MergedSweeps merged) {
        MergedTables tables = new MergedTables(merged);
        StringBuilder out = new StringBuilder();
        out.append("# ").append(MarkdownReport.escape(tables.title())).append("\n\n**");
        out.append(MarkdownReport.escape(tables.verdict())).append("**\n\n");
        new MergedCharts(merged)
                .all()
                .forEach((name, chart) -> out.append("![")
                        .append(MarkdownReport.escape(chart.title()))
                        .append("](")
                        .append(name)
                        .append(".svg)\n\n"));
        MarkdownReport.table(out, tables.head(), tables.rows());
        out.append('\n').append(MarkdownReport.escape(tables.legend())).append("\n\n## How this was measured\n\n");
        out.append(MarkdownReport.escape(tables.method())).append("\n\n");
        MarkdownReport.table(out, MergedTables.SWEEP_HEAD, tables.sweeps());
        if (!merged.notes().isEmpty()) {
            out.append("\n## Notes\n\n");
            merged.notes()
                    .forEach(note ->
                            out.append("- ").append(MarkdownReport.escape(note)).append('\n'));
        }
        out.append("\n## Repeat it\n\n");
        MarkdownReport.block(out, commands(merged));
        return out.toString();
    }

    /** A text column is narrow: models are headings of groups, and a star takes the place of the last column. */
    static String latex(MergedSweeps merged) {
        MergedTables tables = new MergedTables(merged);
        SequencedMap<String, List<List<String>>> groups = new LinkedHashMap<>();
        for (Entry entry : merged.entries()) {
            boolean several = merged.sweeps().size() > merged.series().size();
            String heading =
                    merged.name(entry) + (several ? ", " + merged.sources().get(entry.sweep()) : "");
            List<String> line = new ArrayList<>(tables.figures(entry));
            line.set(0, line.getFirst() + (tables.worthIt(entry) ? "★" : ""));
            groups.computeIfAbsent(heading, h -> new ArrayList<>()).add(line);
        }
        return LatexTable.render(
                List.of("Needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}.", tables.method()),
                tables.title() + ". " + tables.legend().replace("Worth it:", "★:"),
                "tab:bitscarp",
                tables.figuresHead().stream()
                        .map(name -> name.replace("Bits/weight", "Bits/w").replace("Same top-1", "Top-1"))
                        .toList(),
                groups,
                merged.notes());
    }

    static String csv(MergedSweeps merged) {
        StringBuilder out = new StringBuilder();
        CsvReport.record(out, COLUMNS);
        merged.entries().forEach(entry -> CsvReport.record(out, record(merged, entry)));
        return out.toString();
    }

    private static List<String> record(MergedSweeps merged, Entry entry) {
        SweepResult sweep = merged.sweeps().get(entry.sweep());
        Row row = entry.row();
        Score score = row.score();
        double[] interval = score.deltaPplCi95();
        List<String> cells = new ArrayList<>();
        cells.add(merged.name(entry));
        cells.add(sweep.model().sha256());
        cells.add(sweep.text().tokenizerSha256());
        cells.add(merged.sources().get(entry.sweep()));
        cells.add(sweep.device());
        cells.add(sweep.compute());
        cells.add(sweep.calibration());
        cells.add(row.level());
        cells.add(Boolean.toString(row.reference()));
        cells.add(Figures.shortest(row.bitsPerWeight()));
        cells.add(Figures.shortest(row.modelBitsPerWeight()));
        cells.add(Long.toString(row.bytes()));
        cells.add(Figures.shortest(score.perplexity()));
        cells.add(Figures.shortest(score.stderr()));
        cells.add(Figures.shortest(score.bitsPerByte()));
        cells.add(Figures.shortest(score.deltaPpl()));
        cells.add(interval == null ? "" : Figures.shortest(interval[0]));
        cells.add(interval == null ? "" : Figures.shortest(interval[1]));
        cells.add(Boolean.toString(score.tied()));
        cells.add(
                row.divergence() == null
                        ? ""
                        : Figures.shortest(row.divergence().kldMean()));
        cells.add(
                row.divergence() == null
                        ? ""
                        : Figures.shortest(row.divergence().kldStderr()));
        cells.add(
                row.divergence() == null
                        ? ""
                        : Figures.shortest(row.divergence().sameTop1()));
        cells.add(Long.toString(row.fallbacks()));
        cells.add(Long.toString(row.nonfinite()));
        cells.add(Boolean.toString(merged.frontier().contains(entry)));
        cells.add(row.reference() ? String.join(" | ", sweep.notes()) : "");
        return cells;
    }
}
