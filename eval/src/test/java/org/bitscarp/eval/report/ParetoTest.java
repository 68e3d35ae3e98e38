package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ParetoTest {
    private static final long SEED = 31;

    private record Item(int id, double cost, double loss) {
        /** No worse in both and better in one. */
        boolean dominates(Item other) {
            return cost <= other.cost && loss <= other.loss && (cost < other.cost || loss < other.loss);
        }
    }

    @Test
    void isWhatNoOtherDominates() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 500; round++) {
            List<Item> items = new ArrayList<>();
            int size = random.nextInt(0, 40);
            for (int i = 0; i < size; i++) {
                // Few distinct values, so that equal coordinates and equal items are common.
                double loss = random.nextInt(12) == 0 ? Double.NaN : random.nextInt(8);
                double cost = random.nextInt(15) == 0 ? Double.POSITIVE_INFINITY : random.nextInt(8);
                items.add(new Item(i, cost, loss));
            }
            List<Item> finite = items.stream()
                    .filter(i -> Double.isFinite(i.cost) && Double.isFinite(i.loss))
                    .toList();
            List<Item> expected = finite.stream()
                    .filter(i -> finite.stream().noneMatch(other -> other.dominates(i)))
                    .toList();
            List<Item> found = Pareto.frontier(items, Item::cost, Item::loss);
            assertEquals(new HashSet<>(expected), new HashSet<>(found), "seed " + SEED + ": " + items);
            assertEquals(expected.size(), found.size());
            assertEquals(
                    found.stream().map(Item::cost).sorted().toList(),
                    found.stream().map(Item::cost).toList());
        }
    }
}
