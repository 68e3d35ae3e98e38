package org.bitscarp.eval.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** Draws pixels on white, two for each pixel of the layout, so that text is sharp in print and on fine screens. */
final class PngDrawing implements Drawing {
    private static final int SCALE = 2;

    private final BufferedImage image;
    private final Graphics2D graphics;

    /** @throws IOException when this Java cannot set text */
    PngDrawing(int width, int height) throws IOException {
        image = new BufferedImage(width * SCALE, height * SCALE, BufferedImage.TYPE_INT_RGB);
        graphics = image.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
        graphics.scale(SCALE, SCALE);
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        try {
            graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 1).deriveFont((float) FONT));
            graphics.getFontMetrics();
        } catch (RuntimeException | InternalError | LinkageError e) {
            throw new IOException(
                    "cannot draw PNG files, Java finds no fonts (" + e
                            + "); install fontconfig and a font, or leave the" + " pictures out with --no-png",
                    e);
        }
    }

    /** The whole picture as a PNG file. */
    byte[] close() throws IOException {
        graphics.dispose();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (!ImageIO.write(image, "png", out)) {
            throw new IOException("this Java has no writer for PNG; leave the pictures out with --no-png");
        }
        return out.toByteArray();
    }

    @Override
    public void shape(Ink ink, double[]... points) {
        Path2D path = new Path2D.Double();
        for (int i = 0; i < points.length; i++) {
            if (i == 0) {
                path.moveTo(points[i][0], points[i][1]);
            } else {
                path.lineTo(points[i][0], points[i][1]);
            }
        }
        graphics.setColor(new Color(ink.rgb()));
        if (ink.filled()) {
            path.closePath();
            graphics.fill(path);
        } else {
            float[] dashes = ink.dashed() ? new float[] {6, 4} : null;
            graphics.setStroke(
                    new BasicStroke((float) ink.width(), BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, dashes, 0));
            graphics.draw(path);
        }
    }

    @Override
    public void text(Ink ink, String text, double x, double y, Anchor anchor) {
        double width = graphics.getFontMetrics().getStringBounds(text, graphics).getWidth();
        double from = switch (anchor) {
            case start -> x;
            case middle -> x - width / 2;
            case end -> x - width;
        };
        graphics.setColor(new Color(ink.rgb()));
        graphics.drawString(text, (float) from, (float) y);
    }

    /** Pixels say nothing under the pointer. */
    @Override
    public void begin(String readout) {}

    @Override
    public void readout(String line, double x, double y, Anchor anchor) {}

    @Override
    public void end() {}
}
