package org.bitscarp.model.internal.gguf;

import java.util.Arrays;

/**
 * Byte-pair encoding: among all pairs of neighbours that may be merged, the one of lowest rank, leftmost among equals, is
 * merged until none is left. A heap makes that O(n log n).
 */
final class SymbolMerger {
    /** Which pairs merge, when, and to what. */
    @FunctionalInterface
    interface Pairs {
        /** Rank in the upper 32 bits and merged symbol in the lower, both non-negative; or −1. */
        long merge(int left, int right);
    }

    private final Pairs pairs;
    private long[] heap = new long[64]; // rank << 32 | position
    private int heapSize;
    private int[] next = new int[64];
    private int[] previous = new int[64];

    SymbolMerger(Pairs pairs) {
        this.pairs = pairs;
    }

    static long merged(int rank, int symbol) {
        return (long) rank << 32 | symbol;
    }

    /** The definition, step by step: O(n²). What {@link #merge} must equal. */
    static int[] mergeReference(Pairs pairs, int[] symbols) {
        int[] current = symbols.clone();
        while (true) {
            int best = -1;
            long bestMerge = -1;
            for (int i = 0; i + 1 < current.length; i++) {
                long merge = pairs.merge(current[i], current[i + 1]);
                if (merge >= 0 && (best < 0 || (merge >>> 32) < (bestMerge >>> 32))) {
                    best = i;
                    bestMerge = merge;
                }
            }
            if (best < 0) {
                return current;
            }
            current[best] = (int) bestMerge;
            System.arraycopy(current, best + 2, current, best + 1, current.length - best - 2);
            current = Arrays.copyOf(current, current.length - 1);
        }
    }

    /**
     * Merges {@code symbols[0, count)} in place.
     *
     * @return how many are left
     */
    int merge(int[] symbols, int count) {
        if (next.length < count) {
            next = new int[Math.max(count, 2 * next.length)];
            previous = new int[next.length];
        }
        for (int i = 0; i < count; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        heapSize = 0;
        for (int i = 0; i + 1 < count; i++) {
            offer(symbols, count, i);
        }
        while (heapSize > 0) {
            long key = poll();
            int position = (int) key;
            int right = next[position];
            if (symbols[position] < 0 || right >= count) {
                continue;
            }
            // The pair at this position may have changed since it was offered. If another of the same rank has taken
            // its place, that one was offered under the same key, so it is its turn.
            long merge = pairs.merge(symbols[position], symbols[right]);
            if (merge < 0 || merge >>> 32 != key >>> 32) {
                continue;
            }
            symbols[position] = (int) merge;
            symbols[right] = -1;
            next[position] = next[right];
            if (next[right] < count) {
                previous[next[right]] = position;
                offer(symbols, count, position);
            }
            if (previous[position] >= 0) {
                offer(symbols, count, previous[position]);
            }
        }
        int left = 0;
        for (int i = 0; i < count; i = next[i]) {
            symbols[left++] = symbols[i];
        }
        return left;
    }

    private void offer(int[] symbols, int count, int position) {
        long merge = next[position] < count ? pairs.merge(symbols[position], symbols[next[position]]) : -1;
        if (merge < 0) {
            return;
        }
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, 2 * heapSize);
        }
        long key = (merge >>> 32) << 32 | position;
        int at = heapSize++;
        while (at > 0 && heap[(at - 1) / 2] > key) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = key;
    }

    private long poll() {
        long top = heap[0];
        long last = heap[--heapSize];
        int at = 0;
        for (int child = 1; child < heapSize; child = 2 * at + 1) {
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = last;
        return top;
    }
}
