package org.bitscarp.model.internal.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SymbolMergerTest {
    private static final int SYMBOLS = 12;

    /** Random rules: most pairs merge, ranks collide, and a merged symbol merges again. */
    private static SymbolMerger.Pairs rules(SplittableRandom random) {
        Map<Integer, Long> rules = new HashMap<>();
        for (int pair = 0; pair < SYMBOLS * SYMBOLS; pair++) {
            if (random.nextInt(3) > 0) {
                rules.put(pair, SymbolMerger.merged(random.nextInt(6), random.nextInt(SYMBOLS)));
            }
        }
        return (left, right) -> rules.getOrDefault(left * SYMBOLS + right, -1L);
    }

    @Test
    void equalsTheDefinition() {
        for (long seed = 0; seed < 2000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            SymbolMerger.Pairs pairs = rules(random);
            SymbolMerger merger = new SymbolMerger(pairs);
            for (int text = 0; text < 3; text++) {
                int[] symbols = random.ints(random.nextInt(60), 0, SYMBOLS).toArray();
                int[] merged = symbols.clone();
                int count = merger.merge(merged, merged.length);
                assertArrayEquals(
                        SymbolMerger.mergeReference(pairs, symbols), Arrays.copyOf(merged, count), "seed " + seed);
            }
        }
    }

    @Test
    void tableKeepsTheFirstValueAndGrows() {
        PairTable table = new PairTable(0);
        SplittableRandom random = new SplittableRandom(1);
        Map<Long, Long> expected = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            int left = random.nextInt(300);
            int right = random.nextInt(300);
            long value = random.nextLong(-1, 1L << 62);
            table.putIfAbsent(left, right, value);
            expected.putIfAbsent((long) left << 32 | right, value);
        }
        for (int left = 0; left < 300; left++) {
            for (int right = 0; right < 300; right++) {
                long value = expected.getOrDefault((long) left << 32 | right, PairTable.ABSENT);
                assertEquals(value, table.get(left, right));
            }
        }
    }
}
