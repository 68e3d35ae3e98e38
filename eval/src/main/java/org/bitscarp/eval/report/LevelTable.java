package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bitscarp.eval.report.SweepResult.Row;

/** Every level with all its figures, as an HTML table that scrolls in its own container. */
final class LevelTable {
    private record Column(String title, String unit, Function<Row, String> cell) {}

    private final SweepResult result;
    private final Cells cells;

    LevelTable(SweepResult result) {
        this.result = result;
        this.cells = new Cells(result);
    }

    Svg draw() {
        Svg html = new Svg();
        List<Column> columns = columns();
        html.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-labelledby", "levels-caption");
        html.open("table", "class", "levels");
        html.element("caption", "All levels, from most to fewest bits per weight", "id", "levels-caption");
        html.open("thead").open("tr").element("th", "Level", "scope", "col");
        for (Column column : columns) {
            html.open("th", "scope", "col").text(column.title());
            html.element("span", column.unit(), "class", "unit").close();
        }
        html.close().close().newline().open("tbody");
        for (Row row : result.rows()) {
            String kind =
                    cells.falls(row) ? "falls" : cells.lastSafe(row) ? "safe" : row.reference() ? "reference" : null;
            html.open("tr", "class", kind);
            html.open("th", "scope", "row").text(row.level());
            if (kind != null) {
                String badge = kind.equals("falls") ? "falls" : kind.equals("safe") ? "last safe" : kind;
                html.text(" ").element("span", badge, "class", "badge");
            }
            html.close();
            for (Column column : columns) {
                html.element(
                        "td",
                        column.cell()
                                .apply(row)
                                .replace("-", "−")
                                .replace("[", "")
                                .replace("]", ""));
            }
            html.close().newline();
        }
        html.close().close().close();
        return html.element("p", Facts.legend().replace("10^6", "10⁶"), "class", "legend");
    }

    private List<Column> columns() {
        List<Column> columns = new ArrayList<>();
        columns.add(new Column("Bits/weight", "quantized", r -> Figures.bitsColumn(r.bitsPerWeight())));
        columns.add(new Column("Bits/weight", "whole model", r -> Figures.bitsColumn(r.modelBitsPerWeight())));
        columns.add(new Column("Size", "MB", cells::megabytes));
        columns.add(new Column("Perplexity", result.protocols().getFirst().name(), r -> cells.perplexity(r, 0)));
        columns.add(new Column("±", "std. error", cells::stderr));
        columns.add(new Column("Δ", "%", cells::delta));
        columns.add(new Column("95 % interval", "%", cells::interval));
        if (result.statistics() != null) {
            columns.add(new Column("Ties", "letters", cells::ties));
            columns.add(new Column(
                    "Verdict", "at " + Figures.allowance(1 + result.statistics().marginUsed()), cells::verdict));
        }
        for (int i = 1; i < result.protocols().size(); i++) {
            int protocol = i;
            columns.add(new Column("Perplexity", result.protocols().get(i).name(), r -> cells.perplexity(r, protocol)));
        }
        columns.add(new Column("KL", "nats", cells::divergence));
        columns.add(new Column("Same top-1", "%", cells::sameTop1));
        columns.add(new Column("Bits/byte", "of text", cells::bitsPerByte));
        columns.add(new Column("Weight error", "%", cells::weightError));
        columns.add(new Column("Time", "s", r -> Figures.seconds(r.seconds())));
        if (result.rows().stream().anyMatch(r -> r.fallbacks() > 0)) {
            columns.add(new Column("Fallbacks", "count", r -> Figures.grouped(r.fallbacks())));
        }
        if (result.rows().stream().anyMatch(r -> r.nonfinite() > 0)) {
            columns.add(new Column("Not finite", "scores", r -> Figures.grouped(r.nonfinite())));
        }
        return columns;
    }
}
