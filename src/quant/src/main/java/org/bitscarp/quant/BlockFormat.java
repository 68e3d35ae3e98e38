package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;

/**
 * A storage format: how a block of consecutive weights of one row becomes bytes and back.
 *
 * <p>Sizes are computed, never typed. The last block of a row may be shorter than the others.
 */
public interface BlockFormat {
    /** The canonical text of the format as it stands in a level string, e.g. {@code int4:g64:sym}. */
    String name();

    /**
     * Whether rows of {@code columns} weights can be stored. False where a format has no short blocks and the row does
     * not divide into full ones; {@link #rowBytes} then throws.
     */
    default boolean supports(int columns) {
        return true;
    }

    /** Weights in a full block of a row of {@code columns} weights. */
    int blockLength(int columns);

    /** Bytes of a block that holds {@code length} weights. */
    int blockBytes(int length);

    /** Bytes of a packed row of {@code columns} weights. */
    default long rowBytes(int columns) {
        int full = blockLength(columns);
        long bytes = (long) (columns / full) * blockBytes(full);
        int rest = columns % full;
        return rest == 0 ? bytes : bytes + blockBytes(rest);
    }

    /**
     * Whether blocks have parameters (a scale, a zero point) that are fitted to the weights. False for plain number
     * formats: they have nothing to search, keep NaN and infinities, and may also hold embeddings.
     */
    default boolean fitted() {
        return true;
    }

    /**
     * Whether one grid serves the whole tensor. A block is then a row, every row stores the same parameters, and
     * solvers take the grid from {@link #fitShared} or {@link #searchShared} instead of fitting each block.
     */
    default boolean sharedGrid() {
        return false;
    }

    /** {@link #fit} for a whole matrix; only where {@link #sharedGrid()}. */
    default Grid fitShared(DenseMatrix weights) {
        throw new UnsupportedOperationException(name() + " has a grid for each block");
    }

    /**
     * {@link #search} for a whole matrix; only where {@link #sharedGrid()}.
     *
     * @param importance {@code weights.columns()} long; null for all equal
     */
    default Grid searchShared(DenseMatrix weights, float[] importance) {
        throw new UnsupportedOperationException(name() + " has a grid for each block");
    }

    /** The grid by the format's published rule (absolute maximum, range, mean, …) for {@code w[from, from+length)}. */
    Grid fit(float[] w, int from, int length);

    /**
     * The grid that (nearly) minimises the sum of importance × squared rounding error over scale and zero point.
     *
     * @param importance finite, non-negative weight of each column, {@code importance[importanceFrom + i]} belonging to
     *     {@code w[from + i]}; null for all equal
     */
    Grid search(float[] w, int from, int length, float[] importance, int importanceFrom);

    /** A faster way to round rows of {@code columns} weights to grids of {@link #fit}; null where there is none. */
    default RowRounder rowRounder(int columns) {
        return null;
    }

    /** Whether {@link #refit} can move the parameters of a grid. */
    default boolean refits() {
        return false;
    }

    /**
     * The grid that fits codes best which are chosen already: scale and offset of one part move to what can be stored and
     * adds least to the error.
     *
     * @param part number of the run of {@link Grid#partLength} weights
     * @return {@code grid} itself where nothing is better
     */
    default Grid refit(Grid grid, int part, ScaleError error) {
        return grid;
    }

    /**
     * {@link #refit} for what the parts of a block share: scale × level of all weights is multiplied by 1 + a and every offset
     * by 1 + b, which {@code error} is a function of.
     */
    default Grid refitShared(Grid grid, ScaleError error) {
        return grid;
    }

    /** Writes one block: the grid's parameters and {@code length} codes, at {@code offset}. */
    void encode(Grid grid, int[] codes, int length, MemorySegment target, long offset);

    /**
     * Reads one block of {@code length} weights back into {@code w[from, from+length)}. The specification of the bytes.
     */
    void decode(MemorySegment source, long offset, int length, float[] w, int from);
}
