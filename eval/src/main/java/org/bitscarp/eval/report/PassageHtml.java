package org.bitscarp.eval.report;

import java.util.List;
import java.util.stream.Collectors;

/** The section of {@code report.html} that shows where levels fail: a text coloured by extra nats. */
final class PassageHtml {
    /** Extra nats from which a token has the colour h1, h2, … h8; the same for all levels, so that they compare. */
    private static final double[] STEPS = {0.25, 0.5, 1, 1.5, 2, 3, 4, 6};

    private static final int WORST = 5;
    private static final int LISTED = 40;

    private PassageHtml() {}

    static void add(Svg html, Passage passage) {
        html.open("section", "aria-labelledby", "failing");
        html.element("h2", "Where it fails", "id", "failing");
        html.element(
                "p",
                "The " + passage.tokens().size() + " tokens of one window on which " + passage.chosenBy()
                        + " loses most, each coloured by the nats that it costs more than under the reference. No colour:"
                        + " less than " + Figures.tick(STEPS[0]) + ", or better than the reference.",
                "class",
                "legend");
        html.open("div", "class", "heat-legend").element("span", Figures.tick(STEPS[0]) + " nats");
        html.open("span", "class", "ramp", "aria-hidden", "true");
        for (int i = 1; i <= STEPS.length; i++) {
            html.element("i", "", "class", "h" + i);
        }
        html.close().element("span", Figures.tick(STEPS[STEPS.length - 1]) + " nats and more");
        html.element("span", "not finite", "class", "broken").close().newline();
        for (Passage.OfLevel level : passage.levels()) {
            level(html, passage, level);
        }
        html.close().newline();
    }

    private static void level(Svg html, Passage passage, Passage.OfLevel level) {
        html.open("h3").text(level.level() + " ");
        html.element("span", signed(passage.sum(level)) + " nats in all", "class", "muted");
        html.close().open("p", "class", "passage");
        for (int t = 0; t < passage.tokens().size(); t++) {
            double extra = passage.extra(level, t);
            String figures =
                    signed(extra) + " nats, probability " + Figures.probability(Math.exp(-passage.reference()[t]))
                            + " → " + Figures.probability(Math.exp(-level.nll()[t]));
            html.element("span", shown(passage.tokens().get(t)), "class", colour(extra), "title", figures);
        }
        html.close();
        String worst = passage.worst(level, WORST).stream()
                .map(t -> "“" + shown(passage.tokens().get(t)).strip() + "” " + signed(passage.extra(level, t)))
                .collect(Collectors.joining(", "));
        html.element("p", worst.isEmpty() ? "No token costs more." : "Costliest: " + worst + ".", "class", "legend");
        html.newline();
        figures(html, passage, level);
    }

    /** What the pointer shows at a token, for those who read with the keyboard. */
    private static void figures(Svg html, Passage passage, Passage.OfLevel level) {
        List<Integer> worst = passage.worst(level, LISTED);
        if (worst.isEmpty()) {
            return;
        }
        html.open("details", "class", "texts").element("summary", "Figures of the costliest tokens");
        HtmlPage.table(
                html,
                "costliest-" + passage.levels().indexOf(level),
                "The " + worst.size() + " tokens that cost " + level.level() + " most",
                List.of("Token", "Place", "Extra nats", "Probability under the reference", "Under the level"),
                worst.stream()
                        .map(t -> List.of(
                                shown(passage.tokens().get(t)).strip(),
                                Figures.grouped(t + 1),
                                signed(passage.extra(level, t)),
                                Figures.probability(Math.exp(-passage.reference()[t])),
                                Figures.probability(Math.exp(-level.nll()[t]))))
                        .toList());
        html.close().newline();
    }

    private static String colour(double extra) {
        if (!Double.isFinite(extra)) {
            return "broken";
        }
        int step = 0;
        while (step < STEPS.length && extra >= STEPS[step]) {
            step++;
        }
        return step == 0 ? null : "h" + step;
    }

    private static String signed(double nats) {
        return (nats > 0 ? "+" : "") + Figures.fixed(nats, 2).replace("-", "−");
    }

    /** Tokens that would not be seen get a sign of their own. */
    private static String shown(String token) {
        return token.isEmpty() ? "·" : token.replace("\n", "↵\n");
    }
}
