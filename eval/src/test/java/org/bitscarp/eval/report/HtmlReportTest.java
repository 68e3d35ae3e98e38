package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class HtmlReportTest {
    private static final long SEED = 7;

    /** Least contrast of text that is not large (WCAG 2.2, success criterion 1.4.3). */
    private static final double CONTRAST = 4.5;

    static List<SweepResult> results() {
        return List.of(Samples.realistic(), Samples.hostile(SEED), Samples.lonely());
    }

    private static Document parse(String html) throws Exception {
        String xml = html.replaceFirst("<!DOCTYPE html>", "");
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    private static List<Element> elements(Document page, String name) {
        NodeList nodes = page.getElementsByTagName(name);
        List<Element> found = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            found.add((Element) nodes.item(i));
        }
        return found;
    }

    @ParameterizedTest
    @MethodSource("results")
    void isWellFormedAndIdsAreUniqueAndFound(SweepResult result) throws Exception {
        Document page = parse(HtmlReport.render(result));
        Set<String> ids = new HashSet<>();
        List<Element> all = elements(page, "*");
        for (Element e : all) {
            if (e.hasAttribute("id")) {
                assertTrue(ids.add(e.getAttribute("id")), "twice: " + e.getAttribute("id"));
            }
        }
        for (Element e : all) {
            for (String id : e.getAttribute("aria-labelledby").split(" ")) {
                assertTrue(id.isEmpty() || ids.contains(id), "label that is not there: " + id);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("results")
    void loadsNothing(SweepResult result) throws Exception {
        String html = HtmlReport.render(result);
        for (Element e : elements(parse(html), "*")) {
            assertFalse(
                    Set.of("script", "link", "img", "iframe", "object", "base").contains(e.getTagName()));
            for (String loading : List.of("src", "href", "xlink:href", "srcset", "data", "style")) {
                assertFalse(e.hasAttribute(loading), e.getTagName() + " has " + loading);
            }
        }
        String withoutNamespace = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for (String loading : List.of("http:", "https:", "url(", "@import", "NaN", "Infinity")) {
            assertFalse(withoutNamespace.contains(loading), loading);
        }
    }

    @Test
    void hostileNamesStayText() throws Exception {
        String html = HtmlReport.render(Samples.hostile(SEED));
        assertFalse(html.contains("<script"));
        assertTrue(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;"));
        String row = elements(parse(html), "th").stream()
                .map(Element::getTextContent)
                .filter(t -> t.startsWith("<script>"))
                .findFirst()
                .orElseThrow();
        assertTrue(row.contains("日本") && row.contains("]]>") && !row.contains("\u202e"), row);
    }

    @Test
    void everyLevelIsInTableChartsAndHeatMap() throws Exception {
        SweepResult result = Samples.realistic();
        Document page = parse(HtmlReport.render(result));
        List<Element> svgs = elements(page, "svg");
        assertEquals(4, svgs.size());
        for (int i = 0; i < svgs.size(); i++) {
            String svg = svgs.get(i).getTextContent();
            for (SweepResult.Row row : result.rows()) {
                boolean shown = svg.contains(row.level() + ", " + Figures.bits(row.bitsPerWeight()));
                // The divergence of the reference from itself is zero, which a logarithm cannot show.
                assertEquals(i < 2 || !row.reference(), shown, row.level() + " in chart " + i);
            }
        }
        List<Element> tables = elements(page, "table");
        assertEquals(9, tables.size(), "levels, layers, three of statistics, a task, continuations, two passages");
        assertEquals(9, tables.get(0).getElementsByTagName("tr").getLength());
        assertEquals(8, tables.get(1).getElementsByTagName("tr").getLength());
        assertEquals(7 * 6, tables.get(1).getElementsByTagName("td").getLength());
        for (Element table : tables) {
            assertEquals(1, table.getElementsByTagName("caption").getLength());
            assertEquals("scroll", ((Element) table.getParentNode()).getAttribute("class"));
        }
        for (Element head : elements(page, "th")) {
            assertTrue(Set.of("row", "col").contains(head.getAttribute("scope")));
        }
    }

    @Test
    void labelsOfTheCliffAreShownAndNoLabelsOverlap() throws Exception {
        for (SweepResult result : List.of(Samples.realistic(), Samples.hostile(SEED))) {
            for (Element svg : elements(parse(HtmlReport.render(result)), "svg")) {
                List<LabelPlacer.Box> boxes = new ArrayList<>();
                List<String> names = new ArrayList<>();
                NodeList texts = svg.getElementsByTagName("text");
                for (int i = 0; i < texts.getLength(); i++) {
                    Element text = (Element) texts.item(i);
                    if (text.getAttribute("class").startsWith("label")) {
                        double half = LabelPlacer.width(text.getTextContent(), 12.5) / 2;
                        double x = Double.parseDouble(text.getAttribute("x"));
                        double y = Double.parseDouble(text.getAttribute("y"));
                        LabelPlacer.Box box = new LabelPlacer.Box(x - half, y - 11, x + half, y + 3);
                        assertTrue(boxes.stream().noneMatch(box::overlaps), text.getTextContent());
                        boxes.add(box);
                        names.add(text.getTextContent());
                    }
                }
                // Divergence is not drawn for the reference, which is the last safe level of the hostile result.
                boolean absent =
                        result.reference().level().equals(result.cliff().level())
                                && svg.getTextContent().startsWith("KL");
                boolean phone = svg.getAttribute("class").contains("narrow");
                assertTrue(absent || phone || names.contains(result.cliff().level()), names.toString());
                assertTrue(names.contains(result.cliff().fallsAt()), names.toString());
            }
        }
    }

    @Test
    void passageColoursTokensByWhatTheyCost() throws Exception {
        Document page = parse(HtmlReport.render(Samples.realistic()));
        List<Element> tokens = elements(page, "span").stream()
                .filter(e -> ((Element) e.getParentNode()).getAttribute("class").equals("passage"))
                .toList();
        assertEquals(
                List.of("", "", "h3", "broken", "h8", "broken", "h1", "broken"),
                tokens.stream().map(e -> e.getAttribute("class")).toList());
        assertEquals("+1.25 nats, probability 0.105 → 0.030", tokens.get(2).getAttribute("title"));
        assertEquals("−0.25 nats, probability 0.368 → 0.472", tokens.get(1).getAttribute("title"));
        assertEquals("·", tokens.get(1).getTextContent());
    }

    @Test
    void saysTheVerdictTheRuleAndTheCommand() throws Exception {
        SweepResult result = Samples.realistic();
        Document page = parse(HtmlReport.render(result));
        assertEquals(Verdict.headline(result), elements(page, "h1").getFirst().getTextContent());
        String text = page.getDocumentElement().getTextContent();
        for (String expected : List.of(
                result.cliff().explanation(),
                result.command(),
                result.model().sha256(),
                result.text().sha256(),
                result.text().tokenizerSha256(),
                result.device(),
                result.notes().getFirst(),
                Samples.SLIDING.description())) {
            assertTrue(text.contains(expected), expected);
        }
    }

    @Test
    void brokenResultHasNoEmptyChart() throws Exception {
        assertEquals(
                0, elements(parse(HtmlReport.render(Samples.lonely())), "svg").size());
    }

    @Test
    void textIsReadableInBothThemes() {
        String html = HtmlReport.render(Samples.lonely());
        String css = html.substring(html.indexOf("<style>"), html.indexOf("</style>"));
        Matcher block = Pattern.compile(":root \\{(.*?)\\}", Pattern.DOTALL).matcher(css);
        int themes = 0;
        while (block.find()) {
            String theme = block.group(1);
            for (String ink :
                    List.of("ink", "soft", "safe", "falls", "threshold", "s0", "s1", "s2", "s3", "s4", "s5")) {
                assertContrast(theme, ink, "page");
            }
            assertContrast(theme, "ink", "card");
            assertContrast(theme, "safe", "safe-wash");
            assertContrast(theme, "falls", "falls-wash");
            for (int i = 0; i < 9; i++) {
                assertContrast(theme, i < 5 ? "heat-ink" : i == 5 ? "heat-ink-middle" : "heat-ink-deep", "h" + i);
            }
            themes++;
        }
        assertEquals(3, themes, "light, dark and print");
    }

    private static void assertContrast(String theme, String ink, String ground) {
        double a = luminance(theme, ink) + 0.05;
        double b = luminance(theme, ground) + 0.05;
        double contrast = Math.max(a, b) / Math.min(a, b);
        assertTrue(contrast >= CONTRAST, ink + " on " + ground + ": " + contrast);
    }

    /** Relative luminance of a colour of sRGB (WCAG 2.2, definitions). */
    private static double luminance(String theme, String name) {
        Matcher value = Pattern.compile("--" + name + ": #(..)(..)(..);").matcher(theme);
        assertTrue(value.find(), name);
        double[] weights = {0.2126, 0.7152, 0.0722};
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            double c = Integer.parseInt(value.group(i + 1), 16) / 255.0;
            sum += weights[i] * (c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
        }
        return sum;
    }
}
