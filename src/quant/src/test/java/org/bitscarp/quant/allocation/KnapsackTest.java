package org.bitscarp.quant.allocation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.quant.allocation.Knapsack.Option;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KnapsackTest {
    /** Sums of a few doubles in another order. */
    private static final double ROUNDING = 1e-12;

    private static List<List<Option>> items(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Option>> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<Option> options = new ArrayList<>();
            double sensitivity = Math.exp(3 * random.nextDouble());
            for (int bits = 2; bits <= 6; bits++) {
                // Not convex, and now and then more bytes do not even help.
                double damage = sensitivity * Math.pow(4, -bits) * (0.5 + random.nextDouble() * 2);
                options.add(new Option(100L * bits + random.nextInt(30), damage));
            }
            items.add(options);
        }
        return items;
    }

    private static double damage(List<List<Option>> items, int[] choice, long budget) {
        long bytes = 0;
        double damage = 0;
        for (int i = 0; i < choice.length; i++) {
            bytes += items.get(i).get(choice[i]).bytes();
            damage += items.get(i).get(choice[i]).damage();
        }
        assertTrue(bytes <= budget, bytes + " bytes of " + budget);
        return damage;
    }

    private static double best(List<List<Option>> items, int item, long budget) {
        if (budget < 0) {
            return Double.POSITIVE_INFINITY;
        }
        if (item == items.size()) {
            return 0;
        }
        double best = Double.POSITIVE_INFINITY;
        for (Option option : items.get(item)) {
            best = Math.min(best, option.damage() + best(items, item + 1, budget - option.bytes()));
        }
        return best;
    }

    /** Every combination tried: the loss against the optimum is at most what a single step saves. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void closeToTheBestOfAllCombinations(long seed) {
        List<List<Option>> items = items(6, seed);
        double ratios = 0;
        int budgets = 0;
        for (long budget = 1700; budget < 3800; budget += 150) {
            double optimum = best(items, 0, budget);
            double largest = items.stream()
                    .mapToDouble(options ->
                            options.stream().mapToDouble(Option::damage).max().orElse(0))
                    .max()
                    .orElse(0);
            double found = damage(items, Knapsack.choose(items, budget).orElseThrow(), budget);
            assertTrue(found >= optimum * (1 - ROUNDING) && found <= optimum + largest, found + " and " + optimum);
            ratios += found / optimum;
            budgets++;
        }
        assertTrue(ratios / budgets <= 1.15, "on average " + ratios / budgets);
    }

    /** A table beside small maps, as in a small model: what a step of it leaves over is more than the maps can take up. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void largeItemsLeaveLittleOver(long seed) {
        List<List<Option>> items = items(6, seed);
        for (int item : new int[] {1, 4}) {
            items.set(
                    item,
                    items.get(item).stream()
                            .map(option -> new Option(20 * option.bytes(), 5 * option.damage()))
                            .toList());
        }
        double ratios = 0;
        int budgets = 0;
        for (long budget = 10_000; budget < 28_000; budget += 1000) {
            double optimum = best(items, 0, budget);
            ratios += damage(items, Knapsack.choose(items, budget).orElseThrow(), budget) / optimum;
            budgets++;
        }
        assertTrue(ratios / budgets <= 1.05, "on average " + ratios / budgets);
    }

    @Test
    void moreBudgetIsNeverWorse() {
        List<List<Option>> items = items(40, 9);
        double before = Double.POSITIVE_INFINITY;
        for (long budget = 10_000; budget < 26_000; budget += 2000) {
            double found = damage(items, Knapsack.choose(items, budget).orElseThrow(), budget);
            assertTrue(found <= before, budget + ": " + found);
            before = found;
        }
    }

    @Test
    void extremes() {
        List<List<Option>> items = List.of(
                List.of(new Option(10, 5), new Option(20, 1), new Option(15, 6)),
                List.of(new Option(10, 3), new Option(30, 0)));
        assertTrue(Knapsack.choose(items, 19).isEmpty());
        assertArrayEquals(new int[] {0, 0}, Knapsack.choose(items, 20).orElseThrow());
        assertArrayEquals(new int[] {1, 0}, Knapsack.choose(items, 30).orElseThrow());
        assertArrayEquals(new int[] {1, 1}, Knapsack.choose(items, 50).orElseThrow());
        assertArrayEquals(
                new int[] {0, 1},
                Knapsack.choose(
                                List.of(
                                        List.of(new Option(10, 5), new Option(20, 4)),
                                        List.of(new Option(10, 3), new Option(25, 0))),
                                35)
                        .orElseThrow());
    }
}
