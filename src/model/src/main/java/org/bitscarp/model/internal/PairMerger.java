package org.bitscarp.model.internal;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.IntBinaryOperator;

/**
 * Greedy byte-pair merging with a priority queue: O(n log n) where the textbook loop is O(n²), and the same result.
 * Positions never change their order, so "leftmost of the best" is "smallest position of the best".
 */
final class PairMerger {
    private final IntBinaryOperator concatenation;
    private final float[] scores;
    private final Map<Long, Integer> known = new HashMap<>();

    /** A pair that could be merged when it was found; stale once either side has changed. */
    private record Candidate(float score, int position, int left, int right, int merged)
            implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byScore = Float.compare(other.score, score);
            return byScore != 0 ? byScore : Integer.compare(position, other.position);
        }
    }

    /**
     * @param concatenation token of the concatenation of two tokens, or −1
     * @param scores by token; higher merges first
     */
    PairMerger(IntBinaryOperator concatenation, float[] scores) {
        this.concatenation = concatenation;
        this.scores = scores;
    }

    /** The definition, step by step: O(n²). What {@link #merge} must equal. */
    int[] mergeReference(int[] symbols) {
        int[] current = symbols.clone();
        while (true) {
            int best = -1;
            for (int i = 0; i + 1 < current.length; i++) {
                int id = concatenation.applyAsInt(current[i], current[i + 1]);
                if (id >= 0
                        && (best < 0
                                || scores[id] > scores[concatenation.applyAsInt(current[best], current[best + 1])])) {
                    best = i;
                }
            }
            if (best < 0) {
                return current;
            }
            current[best] = concatenation.applyAsInt(current[best], current[best + 1]);
            System.arraycopy(current, best + 2, current, best + 1, current.length - best - 2);
            current = Arrays.copyOf(current, current.length - 1);
        }
    }

    /** Merges in a private copy; safe to call from several threads one at a time. */
    synchronized int[] merge(int[] symbols) {
        int n = symbols.length;
        int[] token = symbols.clone(); // -1 once merged into its left neighbour
        int[] next = new int[n];
        int[] previous = new int[n];
        PriorityQueue<Candidate> queue = new PriorityQueue<>(Math.max(1, n));
        for (int i = 0; i < n; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        for (int i = 0; i + 1 < n; i++) {
            offer(queue, i, token[i], token[i + 1]);
        }
        for (Candidate c = queue.poll(); c != null; c = queue.poll()) {
            int right = next[c.position];
            if (token[c.position] != c.left || right >= n || token[right] != c.right) {
                continue;
            }
            token[c.position] = c.merged;
            token[right] = -1;
            next[c.position] = next[right];
            if (next[right] < n) {
                previous[next[right]] = c.position;
                offer(queue, c.position, c.merged, token[next[right]]);
            }
            if (previous[c.position] >= 0) {
                offer(queue, previous[c.position], token[previous[c.position]], c.merged);
            }
        }
        return Arrays.stream(token).filter(t -> t >= 0).toArray();
    }

    private void offer(PriorityQueue<Candidate> queue, int position, int left, int right) {
        long pair = (long) left << 32 | right;
        int merged = known.computeIfAbsent(pair, p -> concatenation.applyAsInt(left, right));
        if (merged >= 0) {
            queue.add(new Candidate(scores[merged], position, left, right, merged));
        }
    }
}
