package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** What is worth its price: the points that no other point beats in both coordinates. */
final class Pareto {
    private Pareto() {}

    /**
     * The items that no other item dominates, in the order of rising cost. An item dominates another when it is no worse
     * in both coordinates and better in one, so equal items stay together. Items with a coordinate that is not finite
     * are never among them.
     *
     * @param cost less is better
     * @param loss less is better
     */
    static <T> List<T> frontier(List<T> items, ToDoubleFunction<T> cost, ToDoubleFunction<T> loss) {
        List<T> sorted = items.stream()
                .filter(i -> Double.isFinite(cost.applyAsDouble(i)) && Double.isFinite(loss.applyAsDouble(i)))
                .sorted(Comparator.comparingDouble(cost).thenComparingDouble(loss))
                .toList();
        List<T> frontier = new ArrayList<>();
        for (T item : sorted) {
            T last = frontier.isEmpty() ? null : frontier.getLast();
            boolean better = last == null || loss.applyAsDouble(item) < loss.applyAsDouble(last);
            boolean same = last != null
                    && loss.applyAsDouble(item) == loss.applyAsDouble(last)
                    && cost.applyAsDouble(item) == cost.applyAsDouble(last);
            if (better || same) {
                frontier.add(item);
            }
        }
        return frontier;
    }
}
