package org.bitscarp.eval.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The frame of every report page and what they have in common: one file that loads nothing, opens offline in light and
 * dark, prints, and works without scripts. Pages are well-formed XML as well as HTML.
 */
final class HtmlPage {
    private static final String STYLE = style();

    private HtmlPage() {}

    /** Everything up to the beginning of {@code main}. */
    static Svg open(String title) {
        Svg html = new Svg();
        html.open("html", "lang", "en").newline().open("head").newline();
        html.leaf("meta", "charset", "utf-8").newline();
        html.leaf("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
                .newline();
        html.leaf("meta", "name", "color-scheme", "content", "light dark").newline();
        html.element("title", title).newline();
        html.style(STYLE).newline().close().newline();
        return html.open("body").newline().open("main").newline();
    }

    /** Closes what {@link #open} opened; the whole page as text. */
    static String close(Svg html) {
        html.close().newline().close().newline().close();
        return "<!DOCTYPE html>\n" + html + "\n";
    }

    /** Kicker and headline; the first sentence of {@code verdict} is the headline, what follows goes on in a lighter tone. */
    static void headline(Svg html, String kicker, String verdict) {
        html.element("p", kicker, "class", "kicker");
        int stop = verdict.indexOf(". ");
        html.open("h1").text(stop < 0 ? verdict : verdict.substring(0, stop + 1));
        if (stop >= 0) {
            html.text(" ").element("span", verdict.substring(stop + 2));
        }
        html.close();
    }

    /** A table of text that scrolls in itself where the window is narrow; first cells are row heads. */
    static void table(Svg html, String id, String caption, List<String> head, List<List<String>> rows) {
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

    /** Warnings; nothing where there are none. */
    static void notes(Svg html, List<String> notes) {
        if (!notes.isEmpty()) {
            html.open("section", "aria-labelledby", "notes", "class", "notes");
            html.element("h2", "Before you rely on these numbers", "id", "notes")
                    .open("ul");
            notes.forEach(note -> html.element("li", note));
            html.close().close().newline();
        }
    }

    /** Facts as a list of definitions, left open for more. */
    static void openFacts(Svg html, List<Facts.Fact> facts) {
        html.open("section", "aria-labelledby", "method");
        html.element("h2", "How this was measured", "id", "method").open("dl", "class", "facts");
        for (Facts.Fact fact : facts) {
            html.open("div").element("dt", fact.name()).open("dd");
            if (fact.code()) {
                html.element("code", fact.value());
            } else {
                html.text(fact.value());
            }
            html.close().close().newline();
        }
    }

    /** The command line. */
    static void repeat(Svg html, String command) {
        html.open("section", "aria-labelledby", "repeat");
        html.element("h2", "Repeat it", "id", "repeat");
        html.open("pre", "tabindex", "0").element("code", command).close();
        html.close().newline();
    }

    private static String style() {
        try (InputStream in = HtmlPage.class.getResourceAsStream("report.css")) {
            if (in == null) {
                throw new IllegalStateException("report.css is not on the class path, expected beside HtmlPage");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
