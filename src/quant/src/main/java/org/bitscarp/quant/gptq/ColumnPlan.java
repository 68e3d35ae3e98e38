package org.bitscarp.quant.gptq;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * In which order the columns of a matrix are rounded, and how many at a time before the rest is updated (lazy batches, arXiv
 * 2210.17323, section 3.3, step 2).
 *
 * @param order column that is rounded j-th
 * @param batches where each batch begins; the last entry is the number of columns
 */
public record ColumnPlan(int[] order, int[] batches) {
    /** Columns in a batch: 128 × 128 floats of the factor are 64 KiB, in the second-level cache for all rows of a tile. */
    public static final int BATCH = 128;

    /**
     * From left to right. A block of the format that does not end with the batch begins it, so that its grid is fitted to
     * weights that have seen all updates.
     *
     * @param blockLength weights in a block of the format
     */
    public static ColumnPlan leftToRight(int columns, int blockLength) {
        IntStream.Builder begins = IntStream.builder();
        for (int begin = 0; begin < columns; ) {
            begins.add(begin);
            begin = end(begin, columns, BATCH, blockLength);
        }
        return new ColumnPlan(
                IntStream.range(0, columns).toArray(),
                begins.add(columns).build().toArray());
    }

    /**
     * Where a run of columns from {@code begin} ends: after {@code most} columns, or before a block within it that would go
     * on behind it.
     *
     * @param columns end of the columns that there are
     * @param blockLength weights in a block of the format
     */
    static int end(int begin, int columns, int most, int blockLength) {
        int end = Math.min(columns, begin + most);
        int block = (end - 1) / blockLength * blockLength;
        boolean cut = block > begin && Math.min(columns, block + blockLength) > end;
        return cut ? block : end;
    }

    /** Channels in the order of a Hessian's falling diagonal; equal ones stay in theirs. */
    public static int[] byFalling(float[] diagonal) {
        return IntStream.range(0, diagonal.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -diagonal[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** In an order that is given, with grids that are fitted beforehand. */
    static ColumnPlan in(int[] order) {
        int columns = order.length;
        IntStream begins = IntStream.iterate(0, begin -> begin < columns, begin -> begin + BATCH);
        return new ColumnPlan(
                order, IntStream.concat(begins, IntStream.of(columns)).toArray());
    }
}
