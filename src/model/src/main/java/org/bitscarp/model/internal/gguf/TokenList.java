package org.bitscarp.model.internal.gguf;

import java.util.Arrays;

/** A growing list of ints. */
final class TokenList {
    private int[] values = new int[256];
    private int size;

    void add(int value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, Math.multiplyExact(2, size));
        }
        values[size++] = value;
    }

    void addAll(int[] source, int count) {
        if (count > values.length - size) {
            values = Arrays.copyOf(values, Math.max(Math.addExact(size, count), 2 * size));
        }
        System.arraycopy(source, 0, values, size, count);
        size += count;
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }
}
