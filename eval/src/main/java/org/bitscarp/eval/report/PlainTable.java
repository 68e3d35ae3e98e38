package org.bitscarp.eval.report;

import java.util.List;

/** A table of text for {@code report.html} that scrolls in its own container. */
final class PlainTable {
    private PlainTable() {}

    /**
     * @param id unique in the page
     * @param rows the first cell of each is its heading
     */
    static void add(Svg html, String id, String caption, List<String> head, List<List<String>> rows) {
        String captionId = id.replaceAll("[^A-Za-z0-9]+", "-") + "-caption";
        html.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-labelledby", captionId);
        html.open("table", "class", "plain").element("caption", caption, "id", captionId);
        html.open("thead").open("tr");
        head.forEach(name -> html.element("th", name, "scope", "col"));
        html.close().close().newline().open("tbody");
        for (List<String> row : rows) {
            html.open("tr").element("th", row.getFirst(), "scope", "row");
            row.subList(1, row.size()).forEach(cell -> html.element("td", cell));
            html.close().newline();
        }
        html.close().close().close().newline();
    }
}
