package org.bitscarp.compute;

/** What some rows of activations add to second moments, panel by panel. Belongs to one thread. */
public interface OuterProducts extends AutoCloseable {
    /**
     * Adds rows {@code [first, first + count)} of xᵀ·x, from the diagonal on: {@code sums[i][j] += Σ over rows of
     * x[·][i]·x[·][j]} for j ≥ i. What lies below the diagonal, in these rows and columns, is of no use.
     *
     * @param sums [x.columns(), x.columns()]
     */
    void add(int first, int count, Tensor sums);

    @Override
    default void close() {}
}
