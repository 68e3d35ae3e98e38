package org.bitscarp.model.internal.weights;

/** Where a logical row lies in a stored tensor. For a vector, rows are its elements. */
@FunctionalInterface
public interface RowOrder {
    RowOrder SAME = row -> row;

    long stored(long row);

    /** Rows from {@code first} on: one part of tensors stacked into one. */
    static RowOrder from(long first) {
        return first == 0 ? SAME : row -> row + first;
    }

    /**
     * Blocks of {@code block} rows of which every {@code parts}-th belongs here: the query, key and value rows of a head
     * stored one after another (GPT-NeoX).
     */
    static RowOrder everyNth(long block, int parts, int part) {
        return row -> (row / block * parts + part) * block + row % block;
    }

    /**
     * Heads whose rotary pairs are neighbours (2i, 2i + 1) in the file and half a head apart (i, i + headDim/2) here:
     * what llama.cpp's conversion of Llama models does to query and key rows, undone.
     */
    static RowOrder pairsToHalves(int headDim) {
        int half = headDim / 2;
        return row -> {
            long inHead = row % headDim;
            return row - inHead + 2 * (inHead % half) + inHead / half;
        };
    }
}
