package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.bitscarp.eval.report.ConsoleTable.Style;
import org.junit.jupiter.api.Test;

class ConsoleTableTest {
    private static final long SEED = 11;

    private static List<String> lines(SweepResult result, Style style) {
        return ConsoleTable.render(result, style).lines().toList();
    }

    @Test
    void fitsTheTerminal() {
        for (SweepResult result : List.of(Samples.realistic(), Samples.hostile(SEED), Samples.lonely())) {
            for (int width : new int[] {100, 120}) {
                for (String line : lines(result, new Style(false, false, width))) {
                    assertTrue(line.length() <= width, line.length() + " of " + width + ": " + line);
                }
            }
        }
    }

    @Test
    void marksBothSidesOfTheCliff() {
        List<String> lines = lines(Samples.realistic(), new Style(false, false, 120));
        assertTrue(lines.stream().anyMatch(l -> l.startsWith("✓ int8 ") && l.contains("≈ +0.07")), lines.toString());
        assertTrue(lines.stream().anyMatch(l -> l.startsWith("▼ int2 ") && l.contains("+60.61")), lines.toString());
        assertTrue(lines.stream().anyMatch(l -> l.startsWith("  int3 ") && l.contains("damaged")), lines.toString());
    }

    @Test
    void showsEveryProtocol() {
        String table = ConsoleTable.render(Samples.realistic(), new Style(false, false, 120));
        assertTrue(table.contains("ppl sliding") && table.contains("438.30"), table);
    }

    @Test
    void asciiIsAscii() {
        for (SweepResult result : List.of(Samples.realistic(), Samples.hostile(SEED))) {
            String table = ConsoleTable.render(result, new Style(true, false, 120));
            assertTrue(table.chars().allMatch(c -> c == '\n' || c >= 32 && c < 127), table);
        }
        assertTrue(ConsoleTable.render(Samples.realistic(), new Style(true, false, 120))
                .contains("v int2"));
    }

    @Test
    void colourIsOnlyThereWhenAskedForAndChangesNothingElse() {
        String plain = ConsoleTable.render(Samples.realistic(), new Style(false, false, 120));
        String coloured = ConsoleTable.render(Samples.realistic(), new Style(false, true, 120));
        assertFalse(plain.contains("\u001b"));
        assertEquals(plain, coloured.replaceAll("\u001b\\[[0-9]+m", ""));
        List<String> lines = coloured.lines().toList();
        assertTrue(lines.stream().anyMatch(l -> l.contains("\u001b[32mint4")), coloured);
        assertTrue(lines.stream().anyMatch(l -> l.contains("\u001b[33mint3")), coloured);
        assertTrue(lines.stream().anyMatch(l -> l.contains("\u001b[31mternary")), coloured);
    }

    @Test
    void namesCannotControlTheTerminal() {
        String table = ConsoleTable.render(Samples.hostile(SEED), new Style(false, false, 120));
        assertTrue(table.chars().allMatch(c -> c == '\n' || !Character.isISOControl(c) && c != 0x202E), table);
    }

    @Test
    void notFiniteIsAWord() {
        String table = ConsoleTable.render(Samples.hostile(SEED), new Style(false, false, 120));
        assertTrue(table.lines().anyMatch(l -> l.contains("int5:") && l.contains("nan")), table);
        assertTrue(table.lines().anyMatch(l -> l.contains("int58:") && l.contains("+inf")), table);
        assertTrue(table.contains("5 levels have scores that are not finite"), table);
    }

    @Test
    void saysWhatItLeftOut() {
        String table = ConsoleTable.render(Samples.realistic(), new Style(false, false, 100));
        assertTrue(table.contains("too wide for this terminal, see the files: bits/byte"), table);
    }
}
