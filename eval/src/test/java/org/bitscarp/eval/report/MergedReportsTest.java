package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.bitscarp.eval.report.SweepResult.Model;
import org.bitscarp.eval.report.SweepResult.Protocol;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;
import org.bitscarp.eval.report.SweepResult.Text;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class MergedReportsTest {
    private static final long SEED = 7;

    @TempDir
    Path folder;

    @BeforeAll
    static void withoutWindows() {
        System.setProperty("java.awt.headless", "true");
    }

    /** The realistic sweep as another model would have it: {@code size} times as large, {@code ratio} the perplexity. */
    private static SweepResult other(String path, double size, double ratio, String tokenizer, Protocol protocol) {
        SweepResult from = Samples.realistic();
        Model model = from.model();
        Text text = from.text();
        List<Row> rows = from.rows().stream()
                .map(r -> new Row(
                        r.level(),
                        r.format(),
                        r.solver(),
                        r.reference(),
                        r.bitsPerWeight(),
                        r.modelBitsPerWeight(),
                        (long) (r.bytes() * size),
                        List.of(score(r.score(), ratio)),
                        r.divergence(),
                        r.weightError(),
                        r.layerErrors(),
                        r.seconds(),
                        r.fallbacks(),
                        r.nonfinite()))
                .toList();
        return new SweepResult(
                from.bitscarp(),
                new Model(
                        path,
                        model.container(),
                        path.hashCode() + "f".repeat(40),
                        model.architecture(),
                        (long) (model.parameters() * size),
                        (long) (model.bytes() * size),
                        model.layers()),
                new Text(text.name(), text.sha256(), text.bytes(), text.tokens(), tokenizer),
                List.of(protocol),
                from.device(),
                from.compute(),
                null,
                from.command(),
                from.started(),
                from.seconds(),
                rows,
                from.cliff(),
                SweepResult.Behaviour.NONE,
                null,
                List.of());
    }

    private static Score score(Score s, double ratio) {
        return new Score(
                s.protocol(),
                s.perplexity() * ratio,
                s.stderr() * ratio,
                s.nllSum() + s.tokensScored() * Math.log(ratio),
                s.tokensScored(),
                s.bitsPerByte() * ratio,
                s.deltaPpl() * ratio,
                s.deltaPplCi95(),
                s.tied());
    }

    private static MergedSweeps merge(SweepResult... sweeps) {
        SequencedMap<String, SweepResult> results = new LinkedHashMap<>();
        for (SweepResult sweep : sweeps) {
            results.put("out" + results.size(), sweep);
        }
        try {
            return MergedSweeps.of(results);
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static MergedSweeps twoModels(String tokenizer) {
        return merge(Samples.realistic(), other("models/large", 2.5, 0.8, tokenizer, Samples.GPTQ));
    }

    private static String tokenizer() {
        return Samples.realistic().text().tokenizerSha256();
    }

    static List<MergedSweeps> samples() {
        return List.of(
                merge(Samples.realistic()),
                twoModels(tokenizer()),
                twoModels("another"),
                merge(Samples.hostile(SEED)),
                merge(Samples.lonely()),
                merge(Samples.realistic(), Samples.realistic()));
    }

    private static Document parse(String xml) throws Exception {
        String plain = xml.replaceFirst("<!DOCTYPE html>", "");
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(plain)));
    }

    @ParameterizedTest
    @MethodSource("samples")
    void pageIsWellFormedWithUniqueIdsAndHoldsEveryLevel(MergedSweeps merged) throws Exception {
        String html = MergedReports.html(merged);
        Document page = parse(html);
        assertFalse(html.contains("<script"));
        Set<String> ids = new TreeSet<>();
        var all = page.getElementsByTagName("*");
        for (int i = 0; i < all.getLength(); i++) {
            var id = all.item(i).getAttributes().getNamedItem("id");
            assertTrue(id == null || ids.add(id.getNodeValue()), () -> "twice: " + id);
        }
        var table = page.getElementsByTagName("tbody").item(0);
        assertEquals(merged.entries().size(), table.getChildNodes().getLength() / 2);
    }

    @ParameterizedTest
    @MethodSource("samples")
    void tablesAreRectangular(MergedSweeps merged) {
        MergedTables tables = new MergedTables(merged);
        tables.rows().forEach(row -> assertEquals(tables.head().size(), row.size()));
        tables.sweeps().forEach(row -> assertEquals(MergedTables.SWEEP_HEAD.size(), row.size()));
        List<String> latex = MergedReports.latex(merged)
                .lines()
                .filter(l -> l.endsWith("\\\\") && !l.startsWith("%") && !l.startsWith("\\multicolumn"))
                .toList();
        assertEquals(merged.entries().size() + 1, latex.size());
        for (String line : latex) {
            assertEquals(tables.figuresHead().size(), line.split("(?<!\\\\)&", -1).length, line);
        }
        long bars = MergedReports.markdown(merged)
                .lines()
                .filter(l -> l.startsWith("| Model"))
                .map(l -> l.replace("\\|", "").chars().filter(c -> c == '|').count())
                .collect(Collectors.toSet())
                .size();
        assertEquals(1, bars);
    }

    /** Without a pointer, marks are reached with the keyboard; a name inside of a picture would not be read. */
    @Test
    void marksCanBeFocusedAndAreOutsideThePicture() throws Exception {
        NodeList groups = parse(MergedReports.html(twoModels(tokenizer()))).getElementsByTagName("g");
        int marks = 0;
        for (int i = 0; i < groups.getLength(); i++) {
            Element group = (Element) groups.item(i);
            if (group.getAttribute("class").equals("point")) {
                marks++;
                assertEquals("0", group.getAttribute("tabindex"));
                assertTrue(!group.getAttribute("aria-label").isEmpty());
                assertEquals("list", ((Element) group.getParentNode()).getAttribute("role"));
                assertTrue(group.getTextContent().contains("perplexity"), group.getTextContent());
            }
        }
        // Two charts of all levels and two without the references, each for wide and narrow windows.
        assertEquals(2 * (2 * 16 + 2 * 14), marks);
    }

    @Test
    void notesAreInLatexAndCsvToo() {
        MergedSweeps merged = merge(Samples.realistic());
        String note = "2 rows of the ternary level fell back to round-to-nearest: their scale was zero.";
        assertTrue(MergedReports.latex(merged).contains(LatexTable.escape(note)));
        assertTrue(MergedReports.csv(merged).contains(note));
    }

    @Test
    void latexBracesBalanceAroundHostileNames() {
        String latex = MergedReports.latex(merge(Samples.hostile(SEED)));
        int depth = 0;
        for (int i = 0; i < latex.length(); i++) {
            boolean escaped = i > 0 && latex.charAt(i - 1) == '\\';
            depth += escaped ? 0 : latex.charAt(i) == '{' ? 1 : latex.charAt(i) == '}' ? -1 : 0;
            assertTrue(depth >= 0, "at " + i);
        }
        assertEquals(0, depth);
        assertEquals(
                "a\\_b\\%\\&\\$\\#\\{\\}\\textasciitilde{}\\textasciicircum{}\\textbackslash{}x",
                LatexTable.escape("a_b%&$#{}~^\\x"));
        assertTrue(latex.lines().allMatch(l -> l.chars().allMatch(c -> c >= ' ' && c != 0x202e)));
    }

    @Test
    void largerModelAtFewerBitsIsFound() {
        MergedSweeps merged = twoModels(tokenizer());
        assertFalse(merged.perByte());
        assertEquals(List.of("prose-6m", "large"), merged.series());
        MergedSweeps.Upset upset = merged.upset().orElseThrow();
        assertEquals("large", merged.name(upset.larger()));
        assertEquals("prose-6m", merged.name(upset.smaller()));
        assertTrue(upset.larger().row().bytes() <= upset.smaller().row().bytes());
        assertTrue(merged.quality(upset.larger()) < merged.quality(upset.smaller()));
        assertTrue(new MergedTables(merged).verdict().startsWith("A larger model at fewer bits wins: large "));
        assertTrue(merge(Samples.realistic()).upset().isEmpty());
    }

    @Test
    void otherTokenizerMeansBitsPerByte() {
        MergedSweeps merged = twoModels("another");
        assertTrue(merged.perByte());
        MergedSweeps.Entry last = merged.entries().getLast();
        assertEquals(last.row().score().bitsPerByte(), merged.quality(last));
        Text text = Samples.realistic().text();
        assertEquals(
                last.row().divergence().kldMean() * text.tokens() / (text.bytes() * Math.log(2)),
                merged.divergence(last),
                1e-12);
        assertTrue(merged.notes().getFirst().startsWith("Tokenizers differ"));
        assertTrue(new MergedTables(merged).head().contains("Bits/byte"));
        assertTrue(new MergedCharts(merged)
                .all().values().stream().allMatch(c -> c.yTitle().matches("(?i).*bits.*byte.*")));
    }

    @Test
    void sameModelFromTwoMachinesIsOneSeries() {
        MergedSweeps merged = merge(Samples.realistic(), Samples.realistic());
        assertEquals(1, merged.series().size());
        assertEquals(16, merged.entries().size());
        assertTrue(
                merged.notes().getFirst().contains("measured more than once"),
                merged.notes().getFirst());
    }

    @Test
    void refusesWhatDoesNotCompareAndSaysWhy() {
        Protocol longer = new Protocol("gptq", 1024, 1024, 40, "");
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> merge(Samples.realistic(), other("models/large", 2, 0.8, tokenizer(), longer)))
                .getMessage();
        assertTrue(message.startsWith("out1 does not compare with out0: context 1024, not 512; stride 1024, not 512."));
        Protocol fewer = new Protocol("gptq", 512, 512, 39, "");
        assertTrue(assertThrows(
                        IllegalArgumentException.class,
                        () -> merge(Samples.realistic(), other("models/large", 2, 0.8, tokenizer(), fewer)))
                .getMessage()
                .contains("windows 39, not 40"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> merge(Samples.realistic(), Samples.hostile(SEED)))
                .getMessage()
                .contains("text "));
    }

    @Test
    void jsonHasEveryRowAndTheFrontier() {
        MergedSweeps merged = twoModels(tokenizer());
        JsonNode root = JsonMapper.shared().readTree(MergedReports.json(merged));
        assertEquals(MergedSweeps.SCHEMA, root.get("schema").asString());
        assertEquals(2, root.get("sweeps").size());
        int worth = 0;
        for (JsonNode sweep : root.get("sweeps")) {
            assertEquals(8, sweep.get("rows").size());
            for (JsonNode row : sweep.get("rows")) {
                worth += row.get("frontier").asBoolean() ? 1 : 0;
            }
        }
        assertEquals(merged.frontier().size(), worth);
        assertEquals(merged.frontier().size(), root.get("frontier").size());
        assertEquals(17, MergedReports.csv(merged).split("\r\n").length);
    }

    @ParameterizedTest
    @MethodSource("samples")
    void writesChartsThatOpen(MergedSweeps merged) throws Exception {
        MergedReports.writeAll(merge(Samples.realistic()), folder, true);
        MergedReports.writeAll(merged, folder, true);
        Set<String> names;
        try (var files = Files.list(folder)) {
            names = files.map(f -> f.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
        Set<String> expected =
                new TreeSet<>(List.of("merged.html", "merged.md", "merged.csv", "merged.json", "merged.tex"));
        for (String chart : new MergedCharts(merged).all().keySet()) {
            expected.add(chart + ".svg");
            expected.add(chart + ".png");
            Document svg = parse(Files.readString(folder.resolve(chart + ".svg")));
            assertTrue(svg.getElementsByTagName("path").getLength() > 8);
            var image = ImageIO.read(folder.resolve(chart + ".png").toFile());
            assertEquals(2080, image.getWidth());
            Set<Integer> colours = new TreeSet<>();
            for (int at = 0; at < image.getWidth() * image.getHeight(); at += 3) {
                colours.add(image.getRGB(at % image.getWidth(), at / image.getWidth()));
            }
            assertTrue(colours.contains(0xffffffff) && colours.size() > 20, chart + ": " + colours.size());
        }
        assertEquals(expected, names);
    }
}
