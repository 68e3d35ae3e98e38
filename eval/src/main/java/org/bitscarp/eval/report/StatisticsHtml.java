package org.bitscarp.eval.report;

/** The sections of {@code report.html} on how sure the figures are. */
final class StatisticsHtml {
    private StatisticsHtml() {}

    static void add(Svg html, SweepResult result) {
        Statistics statistics = result.statistics();
        if (statistics == null) {
            return;
        }
        html.open("section", "aria-labelledby", "sure");
        html.element("h2", StatisticsTables.DIFFERENCE_TITLE, "id", "sure");
        HtmlPage.table(
                html,
                "sure-levels",
                "Loss of perplexity against " + statistics.reference(),
                StatisticsTables.DIFFERENCE_HEAD,
                StatisticsTables.differences(statistics));
        html.element("p", StatisticsTables.DIFFERENCE_LEGEND, "class", "legend");
        html.open("ul", "class", "method");
        StatisticsTables.sentences(statistics).forEach(sentence -> html.element("li", sentence));
        html.close().close().newline();
        html.open("section", "aria-labelledby", "spread");
        html.element("h2", StatisticsTables.SPREAD_TITLE, "id", "spread");
        HtmlPage.table(
                html,
                "spread-levels",
                "KL(" + statistics.reference() + " ‖ level), nats per token",
                StatisticsTables.SPREAD_HEAD,
                StatisticsTables.spreads(statistics, result));
        html.element("p", StatisticsTables.SPREAD_LEGEND, "class", "legend");
        HtmlPage.table(
                html,
                "confidence-levels",
                StatisticsTables.CONFIDENCE_TITLE,
                StatisticsTables.confidenceHead(statistics),
                StatisticsTables.confidence(statistics));
        html.element("p", StatisticsTables.CONFIDENCE_LEGEND, "class", "legend")
                .close()
                .newline();
    }
}
