package org.bitscarp.eval.report;

import java.util.List;
import java.util.stream.DoubleStream;
import org.bitscarp.eval.report.SweepResult.Row;

/** Error of the residual stream after every layer, levels down and layers across, as a table with coloured cells. */
final class LayerHeatMap {
    /** Colours of the sequential scale in {@code report.css}, {@code h0} the least error. */
    private static final int COLOURS = 9;

    /** With more layers than this the figures are in the tooltips only. */
    private static final int FIGURES_FIT = 16;

    /** Least share of the largest error that a colour of its own is spent on. */
    private static final double FLOOR = 1e-4;

    private final List<Row> rows;
    private final int layers;
    private final double least;
    private final double most;

    LayerHeatMap(SweepResult result) {
        this.rows = result.rows().stream()
                .filter(r -> !r.reference() && r.layerErrors() != null && r.layerErrors().length > 0)
                .toList();
        this.layers = rows.stream().mapToInt(r -> r.layerErrors().length).max().orElse(0);
        this.most = positive().max().orElse(1);
        this.least = Math.max(positive().min().orElse(1), most * FLOOR);
    }

    private DoubleStream positive() {
        return rows.stream()
                .flatMapToDouble(r -> DoubleStream.of(r.layerErrors()))
                .filter(x -> x > 0 && Double.isFinite(x));
    }

    /** Whether any level has layer errors. */
    boolean present() {
        return !rows.isEmpty();
    }

    /** The legend and the table. */
    Svg draw() {
        boolean figures = layers <= FIGURES_FIT;
        Svg html = new Svg();
        html.element(
                "p",
                "Relative error of the residual stream after each layer, ‖h − h_ref‖ / ‖h_ref‖, in percent."
                        + (figures ? "" : " Point at a cell for its figure."),
                "class",
                "legend");
        legend(html);
        html.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-labelledby", "heat-caption");
        html.open("table", "class", figures ? "heat" : "heat dense");
        html.element("caption", "Levels by layers, in percent", "id", "heat-caption");
        html.open("thead").open("tr").element("th", "Level", "scope", "col");
        for (int layer = 0; layer < layers; layer++) {
            String name = figures || layer % 10 == 0 ? Integer.toString(layer) : "";
            html.open("th", "scope", "col");
            if (name.isEmpty()) {
                html.element("span", Integer.toString(layer), "class", "quiet");
            } else {
                html.text(name);
            }
            html.close();
        }
        html.close().close().newline().open("tbody");
        for (Row row : rows) {
            html.open("tr").element("th", row.level(), "scope", "row");
            for (int layer = 0; layer < layers; layer++) {
                cell(html, row, layer, figures);
            }
            html.close().newline();
        }
        return html.close().close().close();
    }

    private void cell(Svg html, Row row, int layer, boolean figures) {
        if (layer >= row.layerErrors().length) {
            html.element("td", "");
            return;
        }
        double error = row.layerErrors()[layer];
        String figure = Figures.errorPercent(error);
        html.open(
                "td",
                "class",
                Double.isFinite(error) ? "h" + colour(error) : "broken",
                "title",
                row.level() + ", layer " + layer + ": " + figure + (Double.isFinite(error) ? " %" : ""));
        if (figures) {
            html.text(figure);
        } else {
            html.element("span", figure, "class", "quiet");
        }
        html.close();
    }

    private void legend(Svg html) {
        html.open("p", "class", "heat-legend");
        html.element("span", Figures.errorPercent(least) + " %");
        html.open("span", "class", "ramp", "aria-hidden", "true");
        for (int i = 0; i < COLOURS; i++) {
            html.element("i", "", "class", "h" + i);
        }
        html.close();
        html.element("span", Figures.errorPercent(most) + " %");
        html.element("span", "logarithmic; hatched cells are not finite", "class", "muted");
        html.close().newline();
    }

    /** Step of the logarithmic scale. */
    private int colour(double error) {
        if (error <= least || most <= least) {
            return error > 0 && most <= least ? COLOURS / 2 : 0;
        }
        return (int) Math.min(COLOURS - 1, COLOURS * Math.log(error / least) / Math.log(most / least));
    }
}
