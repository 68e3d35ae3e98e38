package org.bitscarp.eval.report;

import java.io.IOException;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.bitscarp.eval.report.Drawing.Anchor;
import org.bitscarp.eval.report.Drawing.Ink;
import org.bitscarp.eval.report.LabelPlacer.Box;
import org.bitscarp.eval.report.SeriesChart.Point;

/** Lays a {@link SeriesChart} out and draws it: axes, one curve and one kind of mark per series, names, a frontier. */
final class SeriesPlot {
    private static final int WIDTH = 1040;
    private static final int HEIGHT = 560;

    /** Colours told apart by readers with any colour vision (Okabe and Ito 2008), darkened to 4.5:1 on white. */
    private static final int[] COLOURS = {0x0072b2, 0xb84700, 0x007a58, 0xa8487f, 0x7a6100, 0x2c78ab};

    private static final Ink GRID = new Ink("grid", 0xe6e6e6, 1, false);
    private static final Ink AXIS = new Ink("axis", 0x57606a, 1, false);
    private static final Ink TEXT = new Ink("tick", 0x57606a, 1, false);
    private static final Ink FRONTIER = new Ink("frontier", 0x1c2126, 1.5, true);
    private static final double RADIUS = 5;
    private static final double LEGEND_LINE = 20;

    private final SeriesChart chart;
    private final Drawing out;
    private final boolean narrow;
    private final double left;
    private final double right;
    private final double top;
    private final double bottom;
    private final Axis x;
    private final Axis y;
    private final LabelPlacer placer;

    private SeriesPlot(SeriesChart chart, Drawing out, double width, double height) {
        this.chart = chart;
        this.out = out;
        this.narrow = width < 600;
        this.left = narrow ? 46 : 64;
        this.right = width - (narrow ? 12 : 24);
        this.bottom = height - (narrow ? 86 : 50);
        this.top = legend(false) + 34;
        double least = extent(Point::x).min().orElseThrow();
        double most = extent(Point::x).max().orElseThrow();
        double air = Math.max(Math.pow(most / least, 0.06), 1.05);
        this.x = new Axis(most * air, least / air, true, left, right);
        this.y = Axis.padded(
                extent(Point::y).min().orElseThrow(),
                extent(Point::y).max().orElseThrow(),
                chart.logY(),
                bottom - 6,
                top + 10);
        this.placer = new LabelPlacer(new Box(left + 2, top + 2, right - 2, bottom - 2));
    }

    /** For a page, once for wide windows or once for phones. */
    static Svg onPage(SeriesChart chart, String id, boolean narrow) {
        double width = narrow ? 380 : WIDTH;
        double height = narrow ? 456 : HEIGHT - 60;
        SvgDrawing out = new SvgDrawing(
                chart,
                id + (narrow ? "-narrow" : "-wide"),
                "chart " + (narrow ? "narrow" : "wide"),
                width,
                height,
                false);
        new SeriesPlot(chart, out, width, height).draw();
        return out.close();
    }

    /** A file of its own. */
    static String svg(SeriesChart chart) {
        SvgDrawing out = new SvgDrawing(chart, "chart", "chart", WIDTH, HEIGHT, true);
        new SeriesPlot(chart, out, WIDTH, HEIGHT).draw();
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + out.close();
    }

    /** The same as pixels; text is set in a font of this machine. */
    static byte[] png(SeriesChart chart) throws IOException {
        PngDrawing out = new PngDrawing(WIDTH, HEIGHT);
        new SeriesPlot(chart, out, WIDTH, HEIGHT).draw();
        return out.close();
    }

    private DoubleStream extent(ToDoubleFunction<Point> coordinate) {
        return chart.points().stream().mapToDouble(coordinate);
    }

    private void draw() {
        legend(true);
        axes();
        for (int s = 0; s < chart.series().size(); s++) {
            int series = s;
            List<Point> own =
                    chart.points().stream().filter(p -> p.series() == series).toList();
            curve(ink(s, "curve", 1.75), Pareto.frontier(own, Point::x, Point::y));
        }
        curve(FRONTIER, chart.frontier());
        chart.points().forEach(p -> placer.block(around(p)));
        chart.frontier().forEach(this::label);
        chart.points().stream().filter(p -> !chart.frontier().contains(p)).forEach(this::label);
        for (Point p : chart.points()) {
            out.begin(p.readout());
            mark(p.series(), x.pixel(p.x()), y.pixel(p.y()));
            readout(p.readout());
            out.end();
        }
    }

    /** Beside the title of the axis, on a phone in two lines below the chart. */
    private void readout(String text) {
        if (!narrow) {
            out.readout(text, right, top - 10, Anchor.end);
            return;
        }
        double baseline = bottom + 66;
        for (String line : Readout.folded(text, right)) {
            out.readout(line, 4, baseline, Anchor.start);
            baseline += 16;
        }
    }

    /** Names of the series, as many in a line as fit; returns where the last line ends. */
    private double legend(boolean draw) {
        double at = 4;
        double baseline = 16;
        for (int s = 0; s < chart.series().size(); s++) {
            String name = shortened(chart.series().get(s), narrow ? 34 : 60);
            double width = LabelPlacer.width(name, Drawing.FONT) + 34;
            if (at > 4 && at + width > right) {
                at = 4;
                baseline += LEGEND_LINE;
            }
            if (draw) {
                mark(s, at + 6, baseline - 4);
                out.text(ink(s, "series", 1), name, at + 17, baseline, Anchor.start);
            }
            at += width;
        }
        return baseline;
    }

    private void axes() {
        for (double tick : y.ticks(narrow ? 5 : 6)) {
            double at = y.pixel(tick);
            out.shape(GRID, new double[] {left, at}, new double[] {right, at});
            out.text(TEXT, Figures.tick(tick), left - 8, at + 4, Anchor.end);
        }
        double[] ticks = chart.xTicks().length > 0
                ? chart.xTicks()
                : new Axis(x.to(), x.from(), true, 0, 1)
                        .ticks(8).reversed().stream().mapToDouble(t -> t).toArray();
        double lastEnd = Double.NEGATIVE_INFINITY;
        for (double tick : ticks) {
            double at = x.pixel(tick);
            double half = LabelPlacer.width(Figures.tick(tick), Drawing.FONT) / 2;
            if (at >= left && at <= right && at - half > lastEnd + 8) {
                out.shape(AXIS, new double[] {at, bottom}, new double[] {at, bottom + 5});
                out.text(TEXT, Figures.tick(tick), at, bottom + 20, Anchor.middle);
                lastEnd = at + half;
            }
        }
        out.shape(AXIS, new double[] {left, bottom}, new double[] {right, bottom});
        out.text(TEXT, chart.yTitle(), 4, top - 10, Anchor.start);
        out.text(TEXT, chart.xTitle() + ", fewer to the right →", right, bottom + 42, Anchor.end);
    }

    private void curve(Ink ink, List<Point> points) {
        double[][] line = points.stream()
                .map(p -> new double[] {x.pixel(p.x()), y.pixel(p.y())})
                .toArray(double[][]::new);
        if (line.length > 1) {
            out.shape(ink, line);
            for (int i = 1; i < line.length; i++) {
                placer.block(line[i - 1][0], line[i - 1][1], line[i][0], line[i][1]);
            }
        }
    }

    private Box around(Point p) {
        return new Box(x.pixel(p.x()), y.pixel(p.y()), x.pixel(p.x()), y.pixel(p.y())).grown(RADIUS + 1);
    }

    private void label(Point p) {
        String text = shortened(p.label(), 22);
        placer.place(x.pixel(p.x()), y.pixel(p.y()), LabelPlacer.width(text, Drawing.FONT), Drawing.FONT + 3, false)
                .ifPresent(place -> {
                    Box box = place.box();
                    double middle = (box.left() + box.right()) / 2;
                    out.text(ink(p.series(), "label", 1), text, middle, box.bottom() - 4, Anchor.middle);
                });
    }

    /** Every series has its own corners as well as its colour: round, square, triangle, diamond, pentagon, hexagon. */
    private void mark(int series, double centreX, double centreY) {
        int[] corners = {24, 4, 3, 4, 5, 6};
        int kind = series % corners.length;
        double turn = kind == 1 ? Math.PI / 4 : 0;
        double[][] points = new double[corners[kind]][];
        for (int i = 0; i < points.length; i++) {
            double angle = turn + 2 * Math.PI * i / points.length - Math.PI / 2;
            double radius = corners[kind] == 24 ? RADIUS : RADIUS * 1.25;
            points[i] = new double[] {centreX + radius * Math.cos(angle), centreY + radius * Math.sin(angle)};
        }
        out.shape(ink(series, "mark", 0), points);
    }

    private static Ink ink(int series, String style, double width) {
        int colour = series % COLOURS.length;
        return new Ink(style + " s" + colour, COLOURS[colour], width, series >= COLOURS.length && width > 1);
    }

    private static String shortened(String text, int most) {
        return text.length() > most ? text.substring(0, most - 1) + "…" : text;
    }
}
