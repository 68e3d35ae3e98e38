package org.bitscarp.eval.report;

import java.util.List;

/**
 * What a {@link ScatterChart} draws.
 *
 * @param widest bits per weight at the left, the same in charts that are to be compared
 * @param narrowest bits per weight at the right
 */
record ChartSpec(
        String title,
        String description,
        String yTitle,
        boolean logY,
        double widest,
        double narrowest,
        List<Point> points,
        List<Line> lines,
        Band band) {
    /**
     * A level.
     *
     * @param label shown beside the point
     * @param readout the figures in a sentence, shown when the point has the pointer or the focus
     * @param kind class of the style sheet
     * @param y not finite puts the point on the upper edge
     * @param inner thick error bar {low, high}, or null
     * @param outer thin error bar {low, high}, or null
     * @param joined whether the curve runs through it
     * @param priority labels with the highest are placed first
     */
    record Point(
            String label,
            String readout,
            String kind,
            double bits,
            double y,
            double[] inner,
            double[] outer,
            boolean joined,
            int priority) {}

    /** A horizontal line with its label. */
    record Line(double y, String label, String kind) {}

    /** A shaded range of bits per weight with its label. */
    record Band(double fromBits, double toBits, String label) {}
}
