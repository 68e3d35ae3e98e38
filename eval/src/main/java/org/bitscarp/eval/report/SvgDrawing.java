package org.bitscarp.eval.report;

import java.util.Locale;

/** Draws SVG that looks right by itself, on white, and follows a page's style sheet inside a page. */
final class SvgDrawing implements Drawing {
    private final Svg svg = new Svg();
    private final boolean alone;
    private boolean marks;

    /**
     * @param id prefix of the ids in it, unique on the page
     * @param style classes of the element
     * @param alone whether it is a file of its own, with a white ground
     */
    SvgDrawing(SeriesChart chart, String id, String style, double width, double height, boolean alone) {
        this.alone = alone;
        String size = Svg.coordinate(width) + " " + Svg.coordinate(height);
        svg.open(
                "svg",
                "class",
                style,
                "viewBox",
                "0 0 " + size,
                "xmlns",
                "http://www.w3.org/2000/svg",
                "width",
                alone ? width : null,
                "height",
                alone ? height : null,
                "font-family",
                alone ? "DejaVu Sans, Helvetica, Arial, sans-serif" : null,
                "font-size",
                FONT);
        if (alone) {
            svg.leaf("rect", "width", width, "height", height, "fill", "#ffffff");
        }
        svg.open("g", "role", "img", "aria-labelledby", id + "-title " + id + "-desc");
        svg.element("title", chart.title(), "id", id + "-title");
        svg.element("desc", chart.description(), "id", id + "-desc");
    }

    /** The whole picture. */
    Svg close() {
        return svg.close().close().newline();
    }

    @Override
    public void shape(Ink ink, double[]... points) {
        StringBuilder path = new StringBuilder();
        for (double[] point : points) {
            path.append(path.isEmpty() ? "M" : "L").append(Svg.coordinate(point[0]));
            path.append(' ').append(Svg.coordinate(point[1]));
        }
        String colour = colour(ink);
        if (ink.filled()) {
            svg.leaf("path", "class", ink.style(), "d", path.append('Z'), "fill", colour);
        } else {
            svg.leaf(
                    "path",
                    "class",
                    ink.style(),
                    "d",
                    path,
                    "fill",
                    "none",
                    "stroke",
                    colour,
                    "stroke-width",
                    Double.toString(ink.width()),
                    "stroke-dasharray",
                    ink.dashed() ? "6 4" : null);
        }
    }

    @Override
    public void text(Ink ink, String text, double x, double y, Anchor anchor) {
        svg.element("text", text, "class", ink.style(), "x", x, "y", y, "text-anchor", anchor, "fill", colour(ink));
    }

    /** Marks come last, so that the picture ends before them: what is inside a picture has no names of its own. */
    @Override
    public void begin(String readout) {
        if (alone) {
            svg.open("g").element("title", readout);
            return;
        }
        if (!marks) {
            svg.close().open("g", "role", "list", "aria-label", "Levels");
            marks = true;
        }
        svg.open("g", "class", "point", "tabindex", "0", "role", "listitem", "aria-label", readout);
        svg.element("title", readout);
    }

    /** A file by itself has no style sheet that could show it when it is time. */
    @Override
    public void readout(String line, double x, double y, Anchor anchor) {
        if (!alone) {
            svg.element("text", line, "class", "readout", "x", x, "y", y, "text-anchor", anchor);
        }
    }

    @Override
    public void end() {
        svg.close().newline();
    }

    private static String colour(Ink ink) {
        return String.format(Locale.ROOT, "#%06x", ink.rgb());
    }
}
