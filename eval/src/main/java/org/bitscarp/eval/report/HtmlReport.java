package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.bitscarp.eval.report.SweepResult.Row;

/** {@code report.html}, the page of a sweep. */
public final class HtmlReport {
    private HtmlReport() {}

    /** Writes {@code report.html} in full or not at all. */
    public static void write(SweepResult result, Path file) throws IOException {
        StagedFiles.write(file, render(result));
    }

    /** The whole page as text. */
    public static String render(SweepResult result) {
        Svg html = HtmlPage.open(Facts.title(result));
        header(html, result);
        charts(html, result);
        html.open("section", "aria-labelledby", "levels");
        html.element("h2", "Every level", "id", "levels");
        html.raw(new LevelTable(result).draw()).close().newline();
        layers(html, result);
        StatisticsHtml.add(html, result);
        BehaviourHtml.add(html, result.behaviour());
        method(html, result);
        return HtmlPage.close(html);
    }

    private static void header(Svg html, SweepResult result) {
        html.open("header");
        HtmlPage.headline(html, Facts.title(result), Verdict.headline(result));
        String certainty = Certainty.sentence(result);
        if (!certainty.isEmpty()) {
            html.element("p", certainty, "class", "lead");
        }
        tiles(html, result);
        html.close().newline();
    }

    private static void tiles(Svg html, SweepResult result) {
        Optional<Row> chosen = result.cliff() == null
                ? Optional.empty()
                : Certainty.lastSafe(result)
                        .or(() -> Verdict.row(result, result.cliff().level()));
        Optional<Row> reference = Verdict.reference(result);
        if (chosen.isEmpty() || reference.isEmpty()) {
            return;
        }
        Row row = chosen.get();
        Cells cells = new Cells(result);
        html.open("dl", "class", "tiles");
        tile(html, "Bits per weight", Figures.bits(row.bitsPerWeight()), row.level());
        tile(
                html,
                "Size of the model",
                Figures.size(row.bytes()),
                row.reference()
                        ? "the reference"
                        : Figures.fixed((double) reference.get().bytes() / row.bytes(), 1) + "× smaller than "
                                + reference.get().level());
        tile(
                html,
                "Perplexity",
                cells.perplexity(row, 0),
                row.reference()
                        ? "the reference"
                        : (row.score().tied() ? "tied with " : cells.delta(row).replace("-", "−") + " % against ")
                                + cells.perplexity(reference.get(), 0));
        if (!row.reference() && row.divergence() != null) {
            tile(
                    html,
                    "Same top-1 token",
                    Figures.fixed(100 * row.divergence().sameTop1(), 1) + " %",
                    "KL " + cells.divergence(row) + " nats per token");
        }
        html.close();
    }

    private static void tile(Svg html, String name, String value, String detail) {
        html.open("div");
        html.element("dt", name).element("dd", value, "class", "value").element("dd", detail, "class", "detail");
        html.close();
    }

    private static void charts(Svg html, SweepResult result) {
        LevelCharts charts = new LevelCharts(result);
        figure(
                html,
                "perplexity",
                charts.perplexity(),
                460,
                "The curve joins the best level of each width. Dotted: the reference. Dashed: the threshold. Thick bars: paired 95 % interval of the difference to the"
                        + " reference. Thin bars: ± one standard error of the perplexity. Crosses at the upper edge:"
                        + " no finite perplexity.");
        figure(
                html,
                "divergence",
                charts.divergence(),
                360,
                "Mean KL(reference ‖ level) over the same positions. Bars: 95 % interval. Dotted: the noise floor.");
    }

    /**
     * The same chart twice, for wide windows and for phones; the style sheet shows one of them. Without two points to
     * compare there is no chart.
     */
    private static void figure(Svg html, String id, ChartSpec spec, double height, String caption) {
        if (spec.points().stream().filter(p -> Double.isFinite(p.y())).count() < 2) {
            return;
        }
        html.open("section", "aria-labelledby", id);
        html.element("h2", spec.title(), "id", id);
        html.open("figure");
        html.raw(ScatterChart.draw(spec, id + "-wide", 1040, height));
        html.raw(ScatterChart.draw(spec, id + "-narrow", 380, Math.min(height, 400)));
        html.element("figcaption", caption);
        html.close().close().newline();
    }

    private static void layers(Svg html, SweepResult result) {
        LayerHeatMap map = new LayerHeatMap(result);
        if (map.present()) {
            html.open("section", "aria-labelledby", "layers");
            html.element("h2", "Where the error builds up", "id", "layers");
            html.raw(map.draw()).close().newline();
        }
    }

    private static void method(Svg html, SweepResult result) {
        HtmlPage.notes(html, result.notes());
        HtmlPage.openFacts(html, Facts.of(result));
        html.open("div")
                .element("dt", "Cliff")
                .element("dd", Facts.rule(result))
                .close();
        html.open("div")
                .element("dt", "Error bars")
                .element("dd", Facts.errorBars())
                .close();
        html.close().close().newline();
        HtmlPage.repeat(html, result.command());
    }
}
