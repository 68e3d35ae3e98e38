package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.eval.report.LabelPlacer.Box;
import org.junit.jupiter.api.Test;

/** Axes and labels. */
class ChartPartsTest {
    private static final long SEED = 99;

    @Test
    void axesMapTheirEnds() {
        Axis bits = new Axis(32, 2, true, 60, 460);
        assertEquals(60, bits.pixel(32), 1e-9);
        assertEquals(460, bits.pixel(2), 1e-9);
        assertEquals(260, bits.pixel(8), 1e-9);
        Axis linear = new Axis(100, 200, false, 400, 0);
        assertEquals(300, linear.pixel(125), 1e-9);
    }

    @Test
    void ticksAreFewOrderedAndWithin() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 2000; i++) {
            double least = Math.exp(random.nextDouble(-20, 20));
            double most = least * Math.exp(i % 3 == 0 ? 0 : random.nextDouble(0, 25));
            Axis axis = Axis.padded(least, most, i % 2 == 0, 400, 0);
            List<Double> ticks = axis.ticks(6);
            String context = "seed " + SEED + ", " + axis + ": " + ticks;
            assertTrue(ticks.size() >= 2 && ticks.size() <= 16, context);
            for (int t = 0; t < ticks.size(); t++) {
                assertTrue(ticks.get(t) >= axis.from() && ticks.get(t) <= axis.to(), context);
                assertTrue(t == 0 || ticks.get(t) > ticks.get(t - 1), context);
            }
        }
    }

    @Test
    void linearTicksAreRound() {
        assertEquals(List.of(0.1, 0.2, 0.3, 0.4), new Axis(0.05, 0.45, false, 100, 0).ticks(4));
        assertEquals(List.of(200.0, 300.0, 400.0, 500.0), new Axis(150, 510, false, 100, 0).ticks(5));
    }

    @Test
    void labelsNeverCoverEachOtherOrLeaveTheArea() {
        SplittableRandom random = new SplittableRandom(SEED);
        Box area = new Box(0, 0, 500, 300);
        for (int round = 0; round < 50; round++) {
            LabelPlacer placer = new LabelPlacer(area);
            List<Box> placed = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                placer.place(random.nextDouble(500), random.nextDouble(300), random.nextDouble(20, 90), 15, i % 2 == 0)
                        .ifPresent(p -> placed.add(p.box()));
            }
            assertFalse(placed.isEmpty());
            for (int i = 0; i < placed.size(); i++) {
                assertTrue(placed.get(i).within(area));
                for (int j = 0; j < i; j++) {
                    assertFalse(placed.get(i).overlaps(placed.get(j)), "seed " + SEED);
                }
            }
        }
    }

    @Test
    void firstChoiceIsAboveThePointAndNextToABlockedOneIsNot() {
        LabelPlacer placer = new LabelPlacer(new Box(0, 0, 200, 200));
        Box first = placer.place(100, 100, 40, 15, true).orElseThrow().box();
        assertTrue(first.bottom() < 100 && first.left() < 100 && first.right() > 100, first.toString());
        Box second = placer.place(100, 100, 40, 15, true).orElseThrow().box();
        assertFalse(second.overlaps(first));
    }

    @Test
    void markupIsEscaped() {
        Svg svg = new Svg().element("text", "a < b & \u0001\u202e", "title", "\"'>");
        assertEquals("<text title=\"&quot;&#39;&gt;\">a &lt; b &amp; \ufffd\ufffd</text>", svg.toString());
        assertEquals("<g/>", new Svg().leaf("g", "class", null).toString());
        assertEquals("12.3", Svg.coordinate(12.345));
        assertEquals("12", Svg.coordinate(12.04));
    }
}
