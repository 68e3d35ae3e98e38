package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PanelTurnsTest {
    /** First row and number of rows of each panel. */
    private static List<int[]> panels(PanelTurns turns) {
        List<int[]> panels = new ArrayList<>();
        turns.add(0, new Turns.Finished(), (first, count) -> panels.add(new int[] {first, count}));
        return panels;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 32, 255, 256, 257, 768, 1000, 1024, 2816, 4096, 14336})
    void panelsFollowOnEachOtherAndAreOfEqualArea(int rows) {
        for (boolean triangle : new boolean[] {false, true}) {
            List<int[]> panels = panels(triangle ? PanelTurns.triangle(rows) : PanelTurns.square(rows));
            int next = 0;
            for (int[] panel : panels) {
                assertEquals(next, panel[0]);
                assertTrue(panel[1] > 0);
                next += panel[1];
            }
            assertEquals(rows, next);
            double share = (double) rows * rows / 2 / panels.size();
            for (int[] panel : panels) {
                double area = panel[1] * (rows - panel[0] - panel[1] / 2.0);
                assertTrue(!triangle || Math.abs(area - share) < 0.25 * share, rows + ": " + area + " of " + share);
            }
        }
    }
}
