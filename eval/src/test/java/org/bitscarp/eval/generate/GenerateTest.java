package org.bitscarp.eval.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GenerateTest {
    private static int[] tokens(String letters) {
        return letters.chars().toArray();
    }

    @Test
    void loopsAreFoundWithPeriodAndOnset() {
        assertEquals(new Loop(3, 2), Loop.of(tokens("xyz" + "ab".repeat(6))));
        assertEquals(new Loop(2, 1), Loop.of(tokens("zz" + "a".repeat(12))));
        assertEquals(new Loop(0, 5), Loop.of(tokens("abcde".repeat(3) + "ab")), "the last round may be cut off");
        assertEquals(new Loop(1, 4), Loop.of(tokens("x" + "abab".repeat(0) + "abac".repeat(3))));
    }

    @Test
    void ordinaryTextIsNoLoop() {
        assertNull(Loop.of(tokens("the cat sat on the mat and the cat ate the rat")));
        assertNull(Loop.of(tokens("abcde".repeat(2))), "two rounds are a refrain");
        assertNull(Loop.of(tokens("a dash ---")), "three tokens are punctuation");
        assertNull(Loop.of(tokens("a".repeat(30) + "end of it")), "a loop that was left again");
        assertNull(Loop.of(new int[0]));
    }

    @Test
    void distinctCountsOverAllSequences() {
        List<int[]> texts = List.of(tokens("abab"), tokens("abcd"));
        assertEquals(4 / 8.0, Diversity.distinct(texts, 1));
        assertEquals(4 / 6.0, Diversity.distinct(texts, 2), "ab, ba, bc, cd");
        assertTrue(Double.isNaN(Diversity.distinct(texts, 5)));
        assertEquals(2, Diversity.agreement(tokens("abab"), tokens("abcd")));
        assertEquals(4, Diversity.agreement(tokens("abab"), tokens("abab")));
        assertEquals(2, Diversity.agreement(tokens("ab"), tokens("abcd")));
    }

    /** Frequencies against softmax(z / T) by Pearson's χ², 99.9 % quantile of 3 degrees of freedom. */
    @Test
    void gumbelNoiseSamplesFromTheSoftmax() {
        float[] logits = {1, 0, -1, 0.5f};
        float temperature = 0.7f;
        Sampler sampler = new Sampler(temperature, 1, 42);
        int n = 20_000;
        int[] counts = new int[4];
        for (int i = 0; i < n; i++) {
            counts[sampler.next(logits, i % 7, i)]++;
        }
        double sum = IntStream.range(0, 4)
                .mapToDouble(i -> Math.exp(logits[i] / temperature))
                .sum();
        double chiSquared = 0;
        for (int i = 0; i < 4; i++) {
            double expected = n * Math.exp(logits[i] / temperature) / sum;
            chiSquared += Math.pow(counts[i] - expected, 2) / expected;
        }
        assertTrue(chiSquared < 16.27, "χ² = " + chiSquared);
    }

    @Test
    void theNucleusLeavesOutTheTail() {
        float[] logits = {2, 1, 0, -5};
        Sampler sampler = new Sampler(1, 0.9, 1);
        for (int i = 0; i < 5000; i++) {
            int token = sampler.next(logits, 0, i);
            assertTrue(token == 0 || token == 1, "0.66 + 0.24 is the least that reaches 0.9, found token " + token);
        }
    }

    @Test
    void choicesDependOnPromptStepAndSeedAlone() {
        SplittableRandom random = new SplittableRandom(3);
        float[] logits = new float[100];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        Sampler sampler = new Sampler(1, 0.95, 9);
        int[] first = IntStream.range(0, 50)
                .map(step -> sampler.next(logits, 1, step))
                .toArray();
        int[] again = IntStream.range(0, 50)
                .map(step -> new Sampler(1, 0.95, 9).next(logits, 1, step))
                .toArray();
        int[] otherPrompt = IntStream.range(0, 50)
                .map(step -> sampler.next(logits, 2, step))
                .toArray();
        assertArrayEquals(first, again);
        assertNotEquals(java.util.Arrays.toString(first), java.util.Arrays.toString(otherPrompt));
    }

    @Test
    void greedyTakesTheFirstOfEqualsAndStopsAtNaN() {
        assertEquals(1, Sampler.GREEDY.next(new float[] {0, 3, 3}, 0, 0));
        assertEquals(-1, Sampler.GREEDY.next(new float[] {0, Float.NaN, 3}, 0, 0));
        assertEquals(-1, new Sampler(1, 1, 0).next(new float[] {Float.NaN}, 0, 0));
        assertEquals(0, Sampler.GREEDY.next(new float[] {Float.NEGATIVE_INFINITY}, 0, 0));
    }
}
