package org.bitscarp.quant.allocation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Chooses one option for each item so that total damage is small and total size within a budget (the multiple-choice
 * knapsack problem). Items start at their smallest option and take steps along the lower convex hull of (size, damage), the
 * step that saves most damage per byte first: what Lagrange's multiplier does (Shoham and Gersho 1988), without searching
 * it. When the next step no longer fits, what is left goes to single moves between any two options. The result is
 * optimal but for the step that did not fit.
 */
public final class Knapsack {
    /**
     * One way to store an item.
     *
     * @param bytes size
     * @param damage finite; what is to be small
     */
    public record Option(long bytes, double damage) {}

    private Knapsack() {}

    /**
     * The option of each item; empty where even the smallest do not fit.
     *
     * @param items at least one option each
     */
    public static Optional<int[]> choose(List<List<Option>> items, long budget) {
        int[] choice = new int[items.size()];
        long left = budget;
        List<List<Integer>> hulls = new ArrayList<>();
        for (int i = 0; i < choice.length; i++) {
            hulls.add(hull(items.get(i)));
            choice[i] = hulls.get(i).getFirst();
            left -= items.get(i).get(choice[i]).bytes;
        }
        if (left < 0) {
            return Optional.empty();
        }
        int[] at = new int[choice.length];
        while (true) {
            int best = -1;
            double slope = 0;
            for (int i = 0; i < choice.length; i++) {
                if (at[i] + 1 < hulls.get(i).size()) {
                    double steepness = slope(
                            items.get(i), hulls.get(i).get(at[i]), hulls.get(i).get(at[i] + 1));
                    if (best < 0 || steepness > slope) {
                        best = i;
                        slope = steepness;
                    }
                }
            }
            if (best < 0) {
                break;
            }
            int next = hulls.get(best).get(++at[best]);
            long more = items.get(best).get(next).bytes - items.get(best).get(choice[best]).bytes;
            if (more > left) {
                break;
            }
            left -= more;
            choice[best] = next;
        }
        fill(items, choice, left);
        return Optional.of(choice);
    }

    /** Damage saved per byte. */
    private static double slope(List<Option> options, int from, int to) {
        return (options.get(from).damage - options.get(to).damage)
                / Math.max(1, options.get(to).bytes - options.get(from).bytes);
    }

    /** Options that are best for some price of a byte, from the smallest on. */
    private static List<Integer> hull(List<Option> options) {
        List<Integer> bySize = new ArrayList<>();
        for (int i = 0; i < options.size(); i++) {
            bySize.add(i);
        }
        bySize.sort(Comparator.comparingLong((Integer i) -> options.get(i).bytes)
                .thenComparingDouble(i -> options.get(i).damage));
        List<Integer> hull = new ArrayList<>();
        for (int i : bySize) {
            if (!hull.isEmpty() && !(options.get(i).damage < options.get(hull.getLast()).damage)) {
                continue;
            }
            while (hull.size() > 1
                    && slope(options, hull.getLast(), i) >= slope(options, hull.get(hull.size() - 2), hull.getLast())) {
                hull.removeLast();
            }
            hull.add(i);
        }
        return hull;
    }

    /** Takes, as long as there is one, the move that saves most damage and fits into what is left. */
    private static void fill(List<List<Option>> items, int[] choice, long left) {
        while (true) {
            int item = -1;
            int option = -1;
            double most = 0;
            for (int i = 0; i < choice.length; i++) {
                Option now = items.get(i).get(choice[i]);
                for (int o = 0; o < items.get(i).size(); o++) {
                    Option other = items.get(i).get(o);
                    double saved = now.damage - other.damage;
                    if (other.bytes - now.bytes <= left && saved > most) {
                        item = i;
                        option = o;
                        most = saved;
                    }
                }
            }
            if (item < 0) {
                return;
            }
            left -= items.get(item).get(option).bytes - items.get(item).get(choice[item]).bytes;
            choice[item] = option;
        }
    }
}
