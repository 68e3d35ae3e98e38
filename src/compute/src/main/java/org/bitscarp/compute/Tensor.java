package org.bitscarp.compute;

/** A row-major fp32 matrix that lives wherever its backend computes. A vector is a matrix of one row. */
public interface Tensor {
    int rows();

    int columns();

    /** A view of {@code count} rows from {@code first} on; shares memory. */
    Tensor slice(int first, int count);

    /** A view of the first {@code rows × columns} elements in another shape; shares memory. */
    Tensor reshape(int rows, int columns);
}
