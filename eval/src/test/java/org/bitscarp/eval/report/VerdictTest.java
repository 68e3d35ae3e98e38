package org.bitscarp.eval.report;

import static org.bitscarp.eval.report.Samples.row;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.bitscarp.eval.report.SweepResult.Row;
import org.junit.jupiter.api.Test;

class VerdictTest {
    private static final Row REFERENCE = row("fp32", 32, 100, true);

    private static String of(Row... rows) {
        SweepResult s = Samples.realistic();
        return Verdict.of(new SweepResult(
                s.bitscarp(),
                s.model(),
                s.text(),
                s.protocols(),
                s.device(),
                s.compute(),
                s.calibration(),
                s.command(),
                s.started(),
                s.seconds(),
                List.of(rows),
                new CliffRule().find(List.of(rows)),
                s.behaviour(),
                null,
                s.notes()));
    }

    @Test
    void intervalsSayWhatIsUnharmedWhatItCostsAndWhatIsBroken() {
        assertEquals(
                "Safe down to 8.19 bits (int8), within +1 %. Within +10 % down to 3.19 bits (int3), falls at 2.19 bits"
                        + " (int2): +60.6 %. int4 costs 1.08 to 2.22 %; int3 costs 5.60 to 8.43 %; broken from 2.19 bits"
                        + " (int2) down.",
                Verdict.of(Samples.realistic()));
    }

    @Test
    void everyOutcomeHasItsSentence() {
        assertEquals(
                "Within +10 % down to 4.19 bits (int4), falls at 2.19 bits (int2): +60.0 %.",
                of(REFERENCE, row("int4", 4.1875, 102, false), row("int2", 2.1875, 160, false)));
        assertEquals(
                "Nothing below the reference is within +10 %. Falls at 4.19 bits (int4): no finite perplexity.",
                of(REFERENCE, row("int4", 4.1875, Double.NaN, false)));
        assertEquals(
                "No cliff found down to 4.19 bits (int4): +0.50 %.", of(REFERENCE, row("int4", 4.1875, 100.5, false)));
        assertEquals(
                "No cliff found down to 4 bits (int4): +5.00 %.",
                of(REFERENCE, row("int8", 8, 100.1, false), row("int4", 4, 105, false)));
        assertEquals("Too few bit widths were measured to find a cliff.", of(REFERENCE));
        assertEquals("No cliff can be found: the reference has no finite perplexity.", Verdict.of(Samples.lonely()));
    }
}
