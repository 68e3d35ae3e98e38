package org.bitscarp.eval.report;

/** What a chart is drawn with: the same calls make an {@link SvgDrawing} and a {@link PngDrawing}. */
interface Drawing {
    /** Size of all text in pixels. */
    double FONT = 12.5;

    /**
     * How something looks.
     *
     * @param style classes of {@code report.css}, which override the rest on a page, so that it follows the theme
     * @param rgb colour on white paper, in files that stand alone
     * @param width of the line in pixels; 0 fills the shape instead
     * @param dashed whether the line is broken
     */
    record Ink(String style, int rgb, double width, boolean dashed) {
        boolean filled() {
            return width == 0;
        }
    }

    /** Which end of a text stands at its position. */
    enum Anchor {
        start,
        middle,
        end
    }

    /**
     * A line through points, or a filled polygon.
     *
     * @param points {x, y} each, in pixels
     */
    void shape(Ink ink, double[]... points);

    /** @param y of the baseline */
    void text(Ink ink, String text, double x, double y, Anchor anchor);

    /** What is drawn until {@link #end} is a mark with these figures. */
    void begin(String readout);

    /** A line of those figures, shown while the mark has the pointer or the focus. */
    void readout(String line, double x, double y, Anchor anchor);

    void end();
}
