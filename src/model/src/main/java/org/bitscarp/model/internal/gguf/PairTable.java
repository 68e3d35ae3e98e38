package org.bitscarp.model.internal.gguf;

import java.util.Arrays;

/** A hash table from pairs of symbols to {@link SymbolMerger.Pairs#merge} results, without an object for each entry. */
final class PairTable {
    /** No entry for the pair. */
    static final long ABSENT = Long.MIN_VALUE;

    private static final long FREE = -1;

    private long[] keys;
    private long[] values;
    private int size;

    PairTable(int expected) {
        int capacity = Integer.highestOneBit(Math.max(16, expected)) * 4;
        keys = new long[capacity];
        values = new long[capacity];
        Arrays.fill(keys, FREE);
    }

    long get(int left, int right) {
        int slot = slot(keys, key(left, right));
        return keys[slot] == FREE ? ABSENT : values[slot];
    }

    /** Keeps the first value of a pair. */
    void putIfAbsent(int left, int right, long value) {
        int slot = slot(keys, key(left, right));
        if (keys[slot] != FREE) {
            return;
        }
        keys[slot] = key(left, right);
        values[slot] = value;
        if (2 * ++size > keys.length) {
            grow();
        }
    }

    private void grow() {
        long[] newKeys = new long[2 * keys.length];
        long[] newValues = new long[newKeys.length];
        Arrays.fill(newKeys, FREE);
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] != FREE) {
                int slot = slot(newKeys, keys[i]);
                newKeys[slot] = keys[i];
                newValues[slot] = values[i];
            }
        }
        keys = newKeys;
        values = newValues;
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right;
    }

    /** Where a key is or would go: open addressing with linear probing. */
    private static int slot(long[] keys, long key) {
        // Fibonacci hashing: 2^64 divided by the golden ratio spreads the bits upwards.
        int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> 32) & keys.length - 1;
        while (keys[slot] != FREE && keys[slot] != key) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }
}
