package org.bitscarp.eval.engine;

/**
 * A matrix that units add to in their order, panel of rows by panel of rows: while one unit works on a panel, another can work
 * on the next, and what comes out does not depend on who was first.
 */
final class PanelTurns {
    /** Rows at a time: few enough for several units to work side by side on small matrices. */
    private static final int PANEL = 256;

    private final int rows;
    private final Turns[] panels;

    PanelTurns(int rows) {
        this.rows = rows;
        panels = new Turns[(rows + PANEL - 1) / PANEL];
        for (int i = 0; i < panels.length; i++) {
            panels[i] = new Turns();
        }
    }

    /** Adds to rows {@code [first, first + count)}, alone there. */
    @FunctionalInterface
    interface Work {
        void add(int first, int count);
    }

    /** Adds a unit to all panels; waits at each for units before it. */
    void add(int unit, Turns.Finished finished, Work work) {
        for (int p = 0; p < panels.length; p++) {
            int first = p * PANEL;
            panels[p].take(unit, finished, () -> work.add(first, Math.min(PANEL, rows - first)));
        }
    }
}
