package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds places for labels of points where they cover neither each other nor anything drawn. */
final class LabelPlacer {
    /** A rectangle in pixels. */
    record Box(double left, double top, double right, double bottom) {
        boolean overlaps(Box other) {
            return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
        }

        boolean within(Box outer) {
            return left >= outer.left && right <= outer.right && top >= outer.top && bottom <= outer.bottom;
        }

        Box grown(double by) {
            return new Box(left - by, top - by, right + by, bottom + by);
        }
    }

    /**
     * Where a label stands.
     *
     * @param box what it covers
     * @param leader whether it stands so far from its point that a line has to join them
     */
    record Place(Box box, boolean leader) {}

    /** Directions in the order of preference, as multiples of the label's size and the distance. */
    private static final double[][] DIRECTIONS = {{0, -1}, {1, -1}, {-1, -1}, {0, 1}, {1, 1}, {-1, 1}, {1, 0}, {-1, 0}};

    private static final double[] DISTANCES = {9, 14, 22, 34, 50, 70, 95, 125};

    /** Distance from which on a reader no longer sees which point a label belongs to. */
    private static final double NEAR = 16;

    private final Box area;
    private final List<Box> taken = new ArrayList<>();
    private final List<Box> labels = new ArrayList<>();

    /** @param area labels stay within it */
    LabelPlacer(Box area) {
        this.area = area;
    }

    /** Keeps labels away from a rectangle. */
    void block(Box box) {
        taken.add(box);
    }

    /** Keeps labels, and the lines that join them to their points, away from a label placed by other means. */
    void label(Box box) {
        taken.add(box);
        labels.add(box);
    }

    /** Keeps labels away from a straight line, as a string of small rectangles. */
    void block(double x1, double y1, double x2, double y2) {
        int steps = (int) Math.max(1, Math.hypot(x2 - x1, y2 - y1) / 4);
        for (int i = 0; i <= steps; i++) {
            double x = x1 + (x2 - x1) * i / steps;
            double y = y1 + (y2 - y1) * i / steps;
            taken.add(new Box(x - 2, y - 2, x + 2, y + 2));
        }
    }

    /** The box moved to the right until it covers nothing; empty when there is no such place before {@code end}. */
    Optional<Box> slide(Box box, double end) {
        for (double by = 0; box.right() + by <= end; by += 6) {
            Box moved = new Box(box.left() + by, box.top(), box.right() + by, box.bottom());
            if (taken.stream().noneMatch(moved::overlaps)) {
                return Optional.of(moved);
            }
        }
        return Optional.empty();
    }

    /**
     * A free place for a label of that size near the point, which is taken from then on; empty when there is none.
     *
     * @param far whether it may stand so far away that it needs a leader
     */
    Optional<Place> place(double x, double y, double width, double height, boolean far) {
        for (double distance : DISTANCES) {
            boolean leader = distance > NEAR;
            if (leader && !far) {
                break;
            }
            for (double[] direction : DIRECTIONS) {
                // Sideways labels begin at the point, the others are centred over it.
                double away = direction[1] == 0 ? distance : Math.max(distance - 6, 4);
                double centreX = x + direction[0] * (width / 2 + (direction[1] == 0 ? distance : away / 2));
                double centreY = y + direction[1] * (height / 2 + away);
                Box box = new Box(centreX - width / 2, centreY - height / 2, centreX + width / 2, centreY + height / 2);
                if (box.within(area)
                        && taken.stream().noneMatch(box::overlaps)
                        && !(leader && crossesLabel(x, y, centreX, centreY))) {
                    label(box.grown(2));
                    return Optional.of(new Place(box, leader));
                }
            }
        }
        return Optional.empty();
    }

    private boolean crossesLabel(double x1, double y1, double x2, double y2) {
        int steps = (int) Math.max(1, Math.hypot(x2 - x1, y2 - y1) / 3);
        for (int i = 0; i <= steps; i++) {
            double x = x1 + (x2 - x1) * i / steps;
            double y = y1 + (y2 - y1) * i / steps;
            if (labels.stream().anyMatch(b -> x > b.left && x < b.right && y > b.top && y < b.bottom)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Estimated width in pixels of text in a sans-serif font: 0.62 of the size per character, which only the widest of
     * them exceed, and the whole size in wide scripts.
     */
    static double width(String text, double size) {
        return text.codePoints()
                        .mapToDouble(c -> c >= 0x1100 ? 1 : c == ' ' ? 0.35 : 0.62)
                        .sum()
                * size;
    }
}
