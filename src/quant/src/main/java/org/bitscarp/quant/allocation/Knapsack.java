package org.bitscarp.quant.allocation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Chooses one option for each item so that total damage is small and total size within a budget (the multiple-choice
 * knapsack problem). Items start at their smallest option and take steps along the lower convex hull of (size, damage), the
 * step that saves most damage per byte first: what Lagrange's multiplier does (Shoham and Gersho 1988), without searching
 * it. Steps that no longer fit are passed over, and what is left goes to single moves between any two options. The result is
 * optimal but for the steps that did not fit. Where an item is so large that this is much, as a table of tokens in a small
 * model, the greedy way fails; so every option of the two largest items is tried.
 */
public final class Knapsack {
    /**
     * One way to store an item.
     *
     * @param bytes size
     * @param damage finite; what is to be small
     */
    public record Option(long bytes, double damage) {}

    /** A step along an item's hull. */
    private record Step(int item, int from, int to, double slope) {}

    /** Items of which every option is tried. */
    private static final int LARGE = 2;

    private Knapsack() {}

    /**
     * The option of each item; empty where even the smallest do not fit.
     *
     * @param items at least one option each
     */
    public static Optional<int[]> choose(List<List<Option>> items, long budget) {
        int[] large = IntStream.range(0, items.size())
                .boxed()
                .sorted(Comparator.comparingLong((Integer i) -> span(items.get(i)))
                        .reversed())
                .limit(LARGE)
                .mapToInt(i -> i)
                .toArray();
        return best(items, budget, large, 0);
    }

    private static long span(List<Option> options) {
        LongSummaryStatistics bytes = options.stream().mapToLong(Option::bytes).summaryStatistics();
        return bytes.getMax() - bytes.getMin();
    }

    /** The least damage over all options of the items {@code large} from {@code next} on. */
    private static Optional<int[]> best(List<List<Option>> items, long budget, int[] large, int next) {
        if (next == large.length) {
            return greedy(items, budget);
        }
        int item = large[next];
        List<List<Option>> narrowed = new ArrayList<>(items);
        Optional<int[]> best = Optional.empty();
        double least = Double.POSITIVE_INFINITY;
        for (int o = 0; o < items.get(item).size(); o++) {
            narrowed.set(item, List.of(items.get(item).get(o)));
            Optional<int[]> found = best(narrowed, budget, large, next + 1);
            double damage = found.map(choice -> damage(narrowed, choice)).orElse(least);
            if (damage < least) {
                least = damage;
                best = found;
                best.get()[item] = o;
            }
        }
        return best;
    }

    private static double damage(List<List<Option>> items, int[] choice) {
        double damage = 0;
        for (int i = 0; i < choice.length; i++) {
            damage += items.get(i).get(choice[i]).damage;
        }
        return damage;
    }

    private static Optional<int[]> greedy(List<List<Option>> items, long budget) {
        int[] choice = new int[items.size()];
        List<Step> steps = new ArrayList<>();
        long left = budget;
        for (int i = 0; i < choice.length; i++) {
            List<Option> options = items.get(i);
            List<Integer> hull = hull(options);
            choice[i] = hull.getFirst();
            left -= options.get(choice[i]).bytes;
            for (int h = 1; h < hull.size(); h++) {
                int from = hull.get(h - 1);
                int to = hull.get(h);
                steps.add(new Step(i, from, to, slope(options, from, to)));
            }
        }
        if (left < 0) {
            return Optional.empty();
        }
        // Slopes fall along a hull and the sort is stable, so an item's steps stay in order.
        steps.sort(Comparator.comparingDouble(Step::slope).reversed());
        for (Step step : steps) {
            List<Option> options = items.get(step.item);
            long more = options.get(step.to).bytes - options.get(step.from).bytes;
            if (choice[step.item] == step.from && more <= left) {
                left -= more;
                choice[step.item] = step.to;
            }
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
