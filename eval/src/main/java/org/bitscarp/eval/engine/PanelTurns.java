package org.bitscarp.eval.engine;

import java.util.stream.IntStream;

/**
 * A matrix that units add to in their order, panel of rows by panel of rows: while one unit works on a panel, another can work
 * on the next, and what comes out does not depend on who was first.
 */
final class PanelTurns {
    /** Rows at a time: few enough for several units to work side by side on small matrices. */
    private static final int PANEL = 256;
    /** Rows at a time on the average where they are of different length. */
    private static final int TRIANGLE = 512;
    /** Panels begin at multiples of this, so that matrix products have few edges. */
    private static final int ALIGNMENT = 32;

    /** Where each panel begins; the last entry is the number of rows. */
    private final int[] begins;

    private final Turns[] panels;

    private PanelTurns(int[] begins) {
        this.begins = begins;
        panels = new Turns[begins.length - 1];
        for (int i = 0; i < panels.length; i++) {
            panels[i] = new Turns();
        }
    }

    /** Rows of equal length. */
    static PanelTurns square(int rows) {
        int count = (rows + PANEL - 1) / PANEL;
        return new PanelTurns(IntStream.rangeClosed(0, count)
                .map(i -> Math.min(rows, i * PANEL))
                .toArray());
    }

    /**
     * Rows of a symmetric matrix, each from its diagonal on. Panels are of about equal area, so that units at work on different
     * ones take equally long, and as tall as that allows: in short ones matrix products are slower.
     */
    static PanelTurns triangle(int rows) {
        int count = Math.max(1, Math.round((float) rows / TRIANGLE));
        return new PanelTurns(IntStream.rangeClosed(0, count)
                .map(i -> i == count ? rows : aligned(rows * (1 - Math.sqrt(1 - (double) i / count))))
                .toArray());
    }

    private static int aligned(double row) {
        return (int) Math.round(row / ALIGNMENT) * ALIGNMENT;
    }

    /** Adds to rows {@code [first, first + count)}, alone there. */
    @FunctionalInterface
    interface Work {
        void add(int first, int count);
    }

    /** Adds a unit to all panels; waits at each for units before it. */
    void add(int unit, Turns.Finished finished, Work work) {
        for (int p = 0; p < panels.length; p++) {
            int first = begins[p];
            int count = begins[p + 1] - first;
            panels[p].take(unit, finished, () -> work.add(first, count));
        }
    }
}
