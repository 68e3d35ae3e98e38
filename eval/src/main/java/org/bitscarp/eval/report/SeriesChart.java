package org.bitscarp.eval.report;

import java.util.List;

/**
 * Several series of levels as points, some quality against some size, both drawn by {@link SeriesPlot}. Less is better
 * on both axes.
 *
 * @param title of the chart
 * @param description what it shows, in a sentence, for those who do not see it
 * @param xTitle what runs from much on the left to little on the right, on a logarithmic scale
 * @param yTitle what stands upwards
 * @param xTicks values that get a tick where there is room; empty for round ones
 * @param logY whether equal ratios of y are equally long
 * @param series names, in the order of their colours
 * @param points in any order, all with finite coordinates, positive on logarithmic axes
 * @param frontier points that no other beats, from left to right or from right to left; empty for none
 */
record SeriesChart(
        String title,
        String description,
        String xTitle,
        String yTitle,
        double[] xTicks,
        boolean logY,
        List<String> series,
        List<Point> points,
        List<Point> frontier) {
    /**
     * A level of a model.
     *
     * @param series index into {@link SeriesChart#series}
     * @param label shown beside it where there is room
     * @param readout its figures in a sentence
     */
    record Point(int series, double x, double y, String label, String readout) {}

    /** Whether there is something to compare. */
    boolean drawable() {
        return points.size() >= 2;
    }
}
