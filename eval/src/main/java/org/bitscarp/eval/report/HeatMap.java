package org.bitscarp.eval.report;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.stream.DoubleStream;

/**
 * Numbers as a table with coloured cells on a logarithmic scale.
 *
 * @param id of the caption, unique in the page
 * @param caption of the table
 * @param corner name of the rows
 * @param rows their names
 * @param columns their names
 * @param values [row][column]; a shorter row has empty cells
 * @param columnWord before a column's name where a cell is pointed at
 * @param figure prints a value without its unit
 * @param unit with a space before it, or empty
 */
record HeatMap(
        String id,
        String caption,
        String corner,
        List<String> rows,
        List<String> columns,
        double[][] values,
        String columnWord,
        DoubleFunction<String> figure,
        String unit) {
    /** Colours of the sequential scale in {@code report.css}, {@code h0} the least. */
    private static final int COLOURS = 9;

    /** With more columns than this the figures are in the tooltips only. */
    private static final int FIGURES_FIT = 16;

    /** Least share of the largest value that a colour of its own is spent on. */
    private static final double FLOOR = 1e-4;

    boolean figuresFit() {
        return columns.size() <= FIGURES_FIT;
    }

    private DoubleStream positive() {
        return Arrays.stream(values).flatMapToDouble(Arrays::stream).filter(x -> x > 0 && Double.isFinite(x));
    }

    private double most() {
        return positive().max().orElse(1);
    }

    private double least() {
        return Math.max(positive().min().orElse(1), most() * FLOOR);
    }

    /** Explanation, legend and table. */
    Svg draw(String explanation) {
        boolean figures = figuresFit();
        Svg html = new Svg();
        html.element("p", explanation + (figures ? "" : " Point at a cell for its figure."), "class", "legend");
        legend(html);
        html.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-labelledby", id);
        html.open("table", "class", figures ? "heat" : "heat dense");
        html.element("caption", caption, "id", id);
        html.open("thead").open("tr").element("th", corner, "scope", "col");
        for (int column = 0; column < columns.size(); column++) {
            boolean named = figures || column % 10 == 0;
            html.open("th", "scope", "col");
            if (named) {
                html.text(columns.get(column));
            } else {
                html.element("span", columns.get(column), "class", "quiet");
            }
            html.close();
        }
        html.close().close().newline().open("tbody");
        double least = least();
        double most = most();
        for (int row = 0; row < rows.size(); row++) {
            html.open("tr").element("th", rows.get(row), "scope", "row");
            for (int column = 0; column < columns.size(); column++) {
                cell(html, row, column, figures, least, most);
            }
            html.close().newline();
        }
        return html.close().close().close();
    }

    private void cell(Svg html, int row, int column, boolean figures, double least, double most) {
        if (column >= values[row].length) {
            html.element("td", "");
            return;
        }
        double value = values[row][column];
        String text = figure.apply(value);
        html.open(
                "td",
                "class",
                Double.isFinite(value) ? "h" + colour(value, least, most) : "broken",
                "title",
                rows.get(row) + ", " + columnWord + columns.get(column) + ": " + text
                        + (Double.isFinite(value) ? unit : ""));
        if (figures) {
            html.text(text);
        } else {
            html.element("span", text, "class", "quiet");
        }
        html.close();
    }

    private void legend(Svg html) {
        html.open("p", "class", "heat-legend");
        html.element("span", figure.apply(least()) + unit);
        html.open("span", "class", "ramp", "aria-hidden", "true");
        for (int i = 0; i < COLOURS; i++) {
            html.element("i", "", "class", "h" + i);
        }
        html.close();
        html.element("span", figure.apply(most()) + unit);
        html.element("span", "logarithmic; hatched cells are not finite", "class", "muted");
        html.close().newline();
    }

    /** Step of the logarithmic scale. */
    private static int colour(double value, double least, double most) {
        if (value <= least || most <= least) {
            return value > 0 && most <= least ? COLOURS / 2 : 0;
        }
        return (int) Math.min(COLOURS - 1, COLOURS * Math.log(value / least) / Math.log(most / least));
    }
}
