package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code results.csv} and {@code report.md}. */
class TextReportsTest {
    private static final long SEED = 5;

    /** RFC 4180 section 2, read strictly: what a spreadsheet makes of the file. */
    private static List<List<String>> records(String csv) {
        List<List<String>> records = new ArrayList<>();
        List<String> record = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < csv.length(); i++) {
            char c = csv.charAt(i);
            if (quoted) {
                if (c != '"') {
                    cell.append(c);
                } else if (i + 1 < csv.length() && csv.charAt(i + 1) == '"') {
                    cell.append('"');
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '"') {
                assertTrue(cell.isEmpty(), "quote within a cell at " + i);
                quoted = true;
            } else if (c == ',' || c == '\r') {
                record.add(cell.toString());
                cell.setLength(0);
                if (c == '\r') {
                    assertEquals('\n', csv.charAt(++i));
                    records.add(record);
                    record = new ArrayList<>();
                }
            } else {
                assertTrue(c != '\n', "bare line feed at " + i);
                cell.append(c);
            }
        }
        assertTrue(record.isEmpty() && cell.isEmpty(), "last record has no line break");
        return records;
    }

    @Test
    void csvHasOneRecordPerLevelOfTheSameWidth() {
        for (SweepResult result : List.of(Samples.realistic(), Samples.hostile(SEED), Samples.lonely())) {
            List<List<String>> records = records(CsvReport.render(result));
            assertEquals(result.rows().size() + 1, records.size());
            for (List<String> record : records) {
                assertEquals(records.getFirst().size(), record.size());
            }
        }
    }

    @Test
    void csvFiguresReadBackExactly() {
        SweepResult result = Samples.realistic();
        List<List<String>> records = records(CsvReport.render(result));
        List<String> header = records.getFirst();
        for (int i = 0; i < result.rows().size(); i++) {
            List<String> record = records.get(i + 1);
            SweepResult.Row row = result.rows().get(i);
            assertEquals(row.level(), record.get(header.indexOf("level")));
            assertEquals(row.score().nllSum(), Double.parseDouble(record.get(header.indexOf("nll_sum"))));
            assertEquals(
                    row.scores().get(1).deltaPplCi95()[1],
                    Double.parseDouble(record.get(header.indexOf("delta_ppl_ci95_high_sliding"))));
            assertEquals(6, record.get(header.indexOf("layer_errors")).split(" ").length);
        }
    }

    @Test
    void csvQuotesHostileNamesAndSpellsOutWhatIsNotFinite() {
        List<List<String>> records = records(CsvReport.render(Samples.hostile(SEED)));
        int perplexity = records.getFirst().indexOf("perplexity");
        assertEquals(Samples.HOSTILE, records.get(4).getFirst());
        assertTrue(records.getFirst().contains("perplexity_" + Samples.HOSTILE));
        assertEquals("nan", records.get(6).get(perplexity));
        assertEquals("inf", records.get(59).get(perplexity));
        List<List<String>> lonely = records(CsvReport.render(Samples.lonely()));
        assertTrue(records.get(1).get(records.getFirst().indexOf("notes")).endsWith(" | A second note."));
        assertEquals("", lonely.get(1).get(lonely.getFirst().indexOf("kld_mean")), "not measured is empty");
    }

    @Test
    void markdownTablesAreRectangular() {
        for (SweepResult result : List.of(Samples.realistic(), Samples.hostile(SEED), Samples.lonely())) {
            List<List<String>> tables = new ArrayList<>();
            String before = "";
            for (String line : MarkdownReport.render(result).lines().toList()) {
                if (line.startsWith("|")) {
                    if (!before.startsWith("|")) {
                        tables.add(new ArrayList<>());
                    }
                    tables.getLast().add(line);
                }
                before = line;
            }
            boolean behaves = result.behaviour().continuations() != null;
            int expected = 1 + (result.statistics() == null ? 0 : 3) + (behaves ? 2 : 0);
            assertEquals(expected, tables.size(), "levels, three of statistics, a task, continuations");
            assertEquals(result.rows().size() + 2, tables.getFirst().size());
            for (List<String> table : tables) {
                table.forEach(line -> assertEquals(bars(table.getFirst()), bars(line), line));
            }
        }
    }

    private static long bars(String line) {
        return line.replace("\\|", "").chars().filter(c -> c == '|').count();
    }

    @Test
    void markdownSaysWhatTheOthersSay() {
        SweepResult result = Samples.realistic();
        String text = MarkdownReport.render(result);
        assertTrue(text.contains("**" + Verdict.of(result) + "**"), text);
        assertTrue(text.contains("int2 (falls) | 2.188 | 3.65 | 262.93 | 3.18 | +60.61"), text);
        assertTrue(
                text.contains(result.command()) && text.contains(result.model().sha256()), text);
        assertTrue(text.contains(new CliffRule().sentence()), text);
    }

    @Test
    void markdownLeavesNoMarkupOfNamesAlive() {
        String text = MarkdownReport.render(Samples.hostile(SEED));
        String outsideCode = text.replaceAll("(?s)(`{2,})(?!`).*?(?<!`)\\1(?!`)", "");
        assertFalse(outsideCode.replace("\\<", "").contains("<"), outsideCode);
        assertFalse(outsideCode.replace("\\*", "").contains("*b*"), outsideCode);
    }
}
