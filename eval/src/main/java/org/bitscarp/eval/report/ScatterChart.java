package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;
import org.bitscarp.eval.report.ChartSpec.Band;
import org.bitscarp.eval.report.ChartSpec.Line;
import org.bitscarp.eval.report.ChartSpec.Point;
import org.bitscarp.eval.report.LabelPlacer.Box;

/**
 * A chart of some quality against bits per weight, which run from many on the left to few on the right on a logarithmic
 * scale. Everything is styled by classes of {@code report.css}, so that it follows the theme of the page.
 */
final class ScatterChart {
    /** Bits per weight that get a tick where there is room. */
    static final double[] BITS = {64, 32, 16, 12, 8, 6, 5, 4, 3, 2.5, 2, 1.5, 1.25, 1, 0.75, 0.5, 0.25, 0.125};

    private static final double FONT = 12.5;

    /** Priority from which a label may stand away from its point however many points there are. */
    static final int FOREMOST = 4;

    /** Points from which on other labels stand at their points or not at all. */
    private static final int MANY = 24;

    /** Pixels below the upper edge at which points stand that are not finite, above all the others. */
    private static final double LANE = 34;

    private final ChartSpec spec;
    private final String id;
    private final double width;
    private final double height;
    private final boolean narrow;
    private final double left;
    private final double right;
    private final double top;
    private final double bottom;
    private final Axis x;
    private final Axis y;
    private final Svg svg = new Svg();
    private final LabelPlacer placer;

    private ScatterChart(ChartSpec spec, String id, double width, double height) {
        this.spec = spec;
        this.id = id;
        this.width = width;
        this.height = height;
        this.narrow = width < 600;
        this.left = narrow ? 46 : 64;
        this.right = width - (narrow ? 12 : 24);
        this.top = 34;
        this.bottom = height - (narrow ? 84 : 50);
        double air = Math.max(Math.pow(spec.widest() / spec.narrowest(), 0.06), 1.05);
        this.x = new Axis(spec.widest() * air, spec.narrowest() / air, true, left, right);
        double[] shown = shown();
        boolean lane = !spec.points().stream().allMatch(this::plotted);
        this.y = shown.length == 0
                ? Axis.padded(1, 2, false, bottom, top)
                : Axis.padded(
                        DoubleStream.of(shown).min().orElseThrow(),
                        DoubleStream.of(shown).max().orElseThrow(),
                        spec.logY(),
                        // Room for the label of a line at the least value.
                        bottom - 10,
                        top + (lane ? LANE + 20 : 14));
        this.placer = new LabelPlacer(new Box(left + 2, top + 2, right - 2, bottom - 2));
    }

    /**
     * @param id prefix of the ids in it, unique on the page
     * @param width in pixels; below 600 the chart is drawn for a phone
     */
    static Svg draw(ChartSpec spec, String id, double width, double height) {
        ScatterChart chart = new ScatterChart(spec, id, width, height);
        chart.draw();
        return chart.svg;
    }

    private double[] shown() {
        List<Double> values = new ArrayList<>();
        for (Point p : spec.points()) {
            if (Double.isFinite(p.y())) {
                values.add(p.y());
                for (double[] bar : new double[][] {p.inner(), p.outer()}) {
                    if (bar != null) {
                        values.add(bar[0]);
                        values.add(bar[1]);
                    }
                }
            }
        }
        spec.lines().forEach(l -> values.add(l.y()));
        return values.stream()
                .mapToDouble(v -> v)
                .filter(v -> Double.isFinite(v) && (!spec.logY() || v > 0))
                .toArray();
    }

    private void draw() {
        svg.open(
                "svg",
                "class",
                narrow ? "chart narrow" : "chart wide",
                "viewBox",
                "0 0 " + Svg.coordinate(width) + " " + Svg.coordinate(height),
                "xmlns",
                "http://www.w3.org/2000/svg");
        svg.open("g", "role", "img", "aria-labelledby", id + "-title " + id + "-desc");
        svg.element("title", spec.title(), "id", id + "-title");
        svg.element("desc", spec.description(), "id", id + "-desc");
        band();
        axes();
        obstacles();
        // Names of points choose their places first, lines have a whole width to put theirs.
        Svg labels = labels();
        lines();
        curve();
        svg.close().newline();
        svg.raw(labels);
        svg.open("g", "role", "list", "aria-label", "Levels");
        spec.points().forEach(this::point);
        svg.close();
        svg.close().newline();
    }

    private void band() {
        Band band = spec.band();
        if (band == null) {
            return;
        }
        double from = x.pixel(band.fromBits());
        double to = x.pixel(band.toBits());
        svg.leaf("rect", "class", "band", "x", from, "y", top, "width", Math.max(2, to - from), "height", bottom - top);
        double half = LabelPlacer.width(band.label(), FONT) / 2 + 6;
        double middle = Math.clamp((from + to) / 2, left + half, Math.max(left + half, right - half));
        svg.element("text", band.label(), "class", "band-label", "x", middle, "y", top + 16.0, "text-anchor", "middle");
        placer.label(new Box(middle - half, top, middle + half, top + 22));
    }

    private void axes() {
        for (double tick : y.ticks(narrow ? 5 : 6)) {
            double at = y.pixel(tick);
            svg.leaf("line", "class", "grid", "x1", left, "x2", right, "y1", at, "y2", at);
            svg.element("text", Figures.tick(tick), "class", "tick", "x", left - 8, "y", at + 4, "text-anchor", "end");
        }
        double lastEnd = Double.NEGATIVE_INFINITY;
        for (double tick : BITS) {
            double at = x.pixel(tick);
            double half = LabelPlacer.width(Figures.tick(tick), FONT) / 2;
            if (at >= left && at <= right && at - half > lastEnd + 8) {
                svg.leaf("line", "class", "axis", "x1", at, "x2", at, "y1", bottom, "y2", bottom + 5);
                svg.element(
                        "text",
                        Figures.tick(tick),
                        "class",
                        "tick",
                        "x",
                        at,
                        "y",
                        bottom + 20,
                        "text-anchor",
                        "middle");
                lastEnd = at + half;
            }
        }
        svg.leaf("line", "class", "axis", "x1", left, "x2", right, "y1", bottom, "y2", bottom);
        svg.element("text", spec.yTitle(), "class", "axis-title", "x", 0.0, "y", top - 14);
        svg.element(
                "text",
                "bits per weight, fewer to the right →",
                "class",
                "axis-title",
                "x",
                right,
                "y",
                bottom + 42,
                "text-anchor",
                "end");
    }

    private void lines() {
        for (Line line : spec.lines()) {
            double at = y.pixel(line.y());
            svg.leaf("line", "class", "rule " + line.kind(), "x1", left, "x2", right, "y1", at, "y2", at);
        }
        for (Line line : spec.lines()) {
            double at = y.pixel(line.y());
            double baseline = line.kind().equals("below") ? at + 16 : at - 6;
            Box first =
                    new Box(left + 6, baseline - 12, left + 6 + LabelPlacer.width(line.label(), FONT), baseline + 4);
            placer.slide(first, right).ifPresent(box -> {
                placer.label(box);
                String kind = "rule-label " + line.kind();
                svg.element("text", line.label(), "class", kind, "x", box.left(), "y", baseline);
            });
        }
    }

    /** Labels keep away from lines, points, their error bars and the curve. */
    private void obstacles() {
        spec.lines().forEach(l -> placer.block(left, y.pixel(l.y()), right, y.pixel(l.y())));
        Point last = null;
        for (Point p : spec.points()) {
            double px = x.pixel(p.bits());
            double py = pixel(p);
            placer.block(new Box(px - 7, py - 7, px + 7, py + 7));
            if (plotted(p) && p.outer() != null) {
                placer.block(px, pixel(p.outer()[0]), px, pixel(p.outer()[1]));
            }
            if (p.joined() && plotted(p)) {
                if (last != null) {
                    placer.block(x.pixel(last.bits()), pixel(last), px, py);
                }
                last = p;
            }
        }
    }

    private void curve() {
        StringBuilder path = new StringBuilder();
        for (Point p : spec.points()) {
            if (p.joined() && plotted(p)) {
                path.append(path.isEmpty() ? "M" : "L").append(Svg.coordinate(x.pixel(p.bits())));
                path.append(' ').append(Svg.coordinate(pixel(p)));
            }
        }
        if (!path.isEmpty()) {
            svg.leaf("path", "class", "curve", "d", path);
        }
    }

    private Svg labels() {
        Svg labels = new Svg().open("g", "aria-hidden", "true");
        spec.points().stream()
                .sorted(Comparator.comparingInt(Point::priority).reversed())
                .forEach(p -> label(labels, p));
        return labels.close().newline();
    }

    private void label(Svg labels, Point p) {
        double px = x.pixel(p.bits());
        double py = pixel(p);
        String text = p.label().length() > 22 ? p.label().substring(0, 21) + "…" : p.label();
        boolean far = spec.points().size() <= MANY || p.priority() >= FOREMOST;
        placer.place(px, py, LabelPlacer.width(text, FONT), FONT + 3, far).ifPresent(place -> {
            Box box = place.box();
            if (place.leader()) {
                double toX = Math.clamp(px, box.left(), box.right());
                double toY = py < box.top() ? box.top() : py > box.bottom() ? box.bottom() : py;
                labels.leaf("line", "class", "leader", "x1", px, "y1", py, "x2", toX, "y2", toY);
            }
            labels.element(
                    "text",
                    text,
                    "class",
                    "label " + p.kind(),
                    "x",
                    (box.left() + box.right()) / 2,
                    "y",
                    box.bottom() - 4,
                    "text-anchor",
                    "middle");
        });
    }

    private void point(Point p) {
        double px = x.pixel(p.bits());
        double py = pixel(p);
        svg.open("g", "class", "point " + p.kind(), "tabindex", "0", "role", "listitem", "aria-label", p.readout());
        svg.element("title", p.readout());
        if (plotted(p)) {
            bar("outer", px, p.outer());
            bar("inner", px, p.inner());
            svg.leaf("circle", "class", "halo", "cx", px, "cy", py, "r", 11.0);
            svg.leaf("circle", "class", p.joined() ? "dot" : "dot off", "cx", px, "cy", py, "r", 5.0);
        } else {
            svg.leaf("circle", "class", "halo", "cx", px, "cy", py, "r", 11.0);
            String cross = "M" + Svg.coordinate(px - 5) + " " + Svg.coordinate(py - 5) + "l10 10m0 -10l-10 10";
            svg.leaf("path", "class", "cross", "d", cross);
        }
        readout(p.readout());
        svg.close().newline();
    }

    private void bar(String kind, double px, double[] range) {
        if (range == null || !Double.isFinite(range[0]) || !Double.isFinite(range[1])) {
            return;
        }
        svg.leaf("line", "class", "bar " + kind, "x1", px, "x2", px, "y1", pixel(range[0]), "y2", pixel(range[1]));
    }

    /** Where it covers no point: beside the title of the axis, on a phone in two lines below the chart. */
    private void readout(String text) {
        if (!narrow) {
            line(text, right, top - 14, "end");
            return;
        }
        double baseline = height - 20;
        for (String folded : Readout.folded(text, width)) {
            line(folded, 0, baseline, null);
            baseline += 16;
        }
    }

    private void line(String text, double at, double baseline, String anchor) {
        svg.element("text", text, "class", "readout", "x", at, "y", baseline, "text-anchor", anchor);
    }

    private boolean plotted(Point p) {
        return Double.isFinite(p.y()) && (!spec.logY() || p.y() > 0);
    }

    private double pixel(Point p) {
        return plotted(p) ? y.pixel(p.y()) : top + LANE;
    }

    /** Of an end of an error bar, which may leave the plot or be below what a logarithm can show. */
    private double pixel(double value) {
        return spec.logY() && value <= 0 ? bottom : Math.clamp(y.pixel(value), top, bottom);
    }
}
