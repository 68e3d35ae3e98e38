package org.bitscarp.eval.report;

import static org.bitscarp.eval.report.Samples.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.report.SweepResult.Cliff;
import org.bitscarp.eval.report.SweepResult.Row;
import org.junit.jupiter.api.Test;

class CliffRuleTest {
    private static final Row REFERENCE = row("fp32", 32, 100, true);

    private static Cliff find(Row... others) {
        List<Row> rows = new ArrayList<>(List.of(REFERENCE));
        rows.addAll(List.of(others));
        return new CliffRule().find(rows);
    }

    private static void assertCliff(String level, String fallsAt, Cliff cliff) {
        assertEquals(level, cliff.level());
        assertEquals(fallsAt, cliff.fallsAt());
    }

    @Test
    void lastWidthWithinTheThresholdIsSafe() {
        Cliff cliff = find(row("int8", 8, 101, false), row("int4", 4, 109.9, false), row("int2", 2, 300, false));
        assertCliff("int4", "int2", cliff);
        assertEquals(4, cliff.bitsPerWeight());
        assertEquals(1.10, cliff.threshold());
        assertTrue(cliff.explanation().contains("+10 %"), cliff.explanation());
        assertTrue(cliff.explanation().endsWith(new CliffRule().sentence()), cliff.explanation());
    }

    @Test
    void exactlyAtTheThresholdHasNotFallen() {
        Row[] rows = {row("int4", 4, 150, false), row("int2", 2, 150.1, false)};
        List<Row> all = List.of(REFERENCE, rows[0], rows[1]);
        assertCliff("int4", "int2", new CliffRule(1.5).find(all));
        assertCliff("fp32", "int4", new CliffRule(1.4999).find(all));
    }

    @Test
    void everythingBelowTheReferenceMayFall() {
        assertCliff("fp32", "int8", find(row("int8", 8, 120, false), row("int4", 4, 400, false)));
    }

    @Test
    void flatCurveHasNoCliff() {
        Cliff cliff = find(row("int8", 8, 100.1, false), row("int4", 4, 100.99, false));
        assertCliff("int4", null, cliff);
        assertTrue(cliff.explanation().contains("No cliff was found within the levels measured"), cliff.explanation());
    }

    @Test
    void belowTheThresholdNothingFallsAndTheSharpestBendIsNamed() {
        // ln(perplexity) per bit: almost nothing down to 4 bits, then 0.03, then 0.04 per bit.
        Cliff cliff = find(
                row("int8", 8, 100.1, false),
                row("int4", 4, 100.4, false),
                row("int3", 3, 103.5, false),
                row("int2", 2, 107.7, false));
        assertCliff("int2", null, cliff);
        assertTrue(cliff.explanation().contains("bends most at int4"), cliff.explanation());
    }

    @Test
    void flatteningCurveHasNoBend() {
        Cliff cliff = find(row("int16", 16, 104, false), row("int8", 8, 104.9, false), row("int2", 2, 105, false));
        assertCliff("int2", null, cliff);
        assertTrue(cliff.explanation().contains("does not bend upwards"), cliff.explanation());
    }

    @Test
    void aShortListWithinTheThresholdDoesNotFall() {
        assertCliff("q4", null, find(row("q8", 8.5, 100.1, false), row("q4", 4.5, 103, false)));
    }

    @Test
    void wideLevelThatANarrowerOneBeatsIsNotTheCliff() {
        assertCliff(
                "int3:gptq",
                "int2",
                find(row("int4", 4, 130, false), row("int3:gptq", 3, 104, false), row("int2", 2, 200, false)));
    }

    @Test
    void bestLevelOfAWidthStandsForIt() {
        // int4, int4:gptq and q4_0 are one width; q4_0 alone is above the threshold.
        assertCliff(
                "int4:gptq",
                "int3:gptq",
                find(
                        row("q4_0", 4.25, 115, false),
                        row("int4", 4.19, 108, false),
                        row("int4:gptq", 4.19, 103, false),
                        row("int3", 3.19, 180, false),
                        row("int3:gptq", 3.19, 150, false)));
    }

    @Test
    void equalWidthsAreOneStep() {
        assertCliff(
                "fp16",
                "int2",
                find(row("fp16", 16, 100, false), row("bf16", 16, 100.2, false), row("int2", 2, 200, false)));
    }

    @Test
    void notFiniteHasFallen() {
        assertCliff("int4", "int3", find(row("int4", 4, 101, false), row("int3", 3, Double.NaN, false)));
        assertCliff("int4", "int3", find(row("int4", 4, 101, false), row("int3", 3, Double.POSITIVE_INFINITY, false)));
        Row good = row("int3", 3, 100.5, false);
        Row partial = new Row(
                "int3", "int3", "rtn", false, 3, 3, 1, good.scores(), good.divergence(), 0, new double[0], 1, 0, 1);
        assertCliff("int4", "int3", find(row("int4", 4, 101, false), partial));
    }

    @Test
    void notFiniteBetweenGoodWidthsIsPassedOver() {
        assertCliff(
                "int3",
                "int2",
                find(row("int4", 4, Double.NaN, false), row("int3", 3, 101, false), row("int2", 2, 150, false)));
    }

    @Test
    void tooLittleToSay() {
        assertNull(new CliffRule().find(List.of()));
        assertNull(find());
        assertNull(new CliffRule().find(List.of(row("fp32", 32, Double.NaN, true), row("int4", 4, 100, false))));
        assertNull(find(row("fp32 again", 32, 100, false)), "duplicates of one width are one width");
    }

    @Test
    void orderOfTheRowsDoesNotMatter() {
        assertCliff(
                "int4",
                "int2",
                find(row("int2", 2, 300, false), row("int8", 8, 101, false), row("int4", 4, 105, false)));
    }

    @Test
    void saysWhenTheIntervalDoesNotSettleIt() {
        // The interval of every synthetic row is its difference to 100, plus or minus 1.
        Cliff cliff = find(row("int4", 4, 102, false), row("int3", 3, 110.5, false));
        assertCliff("int4", "int3", cliff);
        assertTrue(cliff.explanation().contains("includes the threshold"), cliff.explanation());
    }

    @Test
    void refusesWhatIsNoThreshold() {
        assertThrows(IllegalArgumentException.class, () -> new CliffRule(1));
        assertThrows(IllegalArgumentException.class, () -> new CliffRule(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> new CliffRule(Double.POSITIVE_INFINITY));
        assertThrows(IllegalArgumentException.class, () -> new CliffRule().find(List.of(row("int4", 4, 100, false))));
    }
}
