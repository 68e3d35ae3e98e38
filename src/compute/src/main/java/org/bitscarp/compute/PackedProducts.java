package org.bitscarp.compute;

import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.PackedMatrix;

/** Products with weights that stay packed where a backend computes. */
public interface PackedProducts {
    /**
     * Whether products of {@code rows} rows, or fewer, are best made from the packed bytes of such weights. Where they are
     * not, {@link #decode} and {@link Backend#matmul} make them. It follows from the shapes alone and never from what is free,
     * so memory decides about no result.
     *
     * @param columns of the weights
     */
    boolean multiplies(BlockFormat format, int columns, int rows);

    /**
     * Copies packed bytes to the backend.
     *
     * @param room memory for a float in the place of every four bytes, the last of them begun; holds the bytes from then on
     */
    PackedTensor upload(PackedMatrix matrix, Tensor room);

    /** y = x·wᵀ, each sum in an order of its own; x is [m, k], w is [n, k], y is [m, n], and m is as {@link #multiplies} says. */
    void matmul(Tensor x, PackedTensor w, Tensor y);

    /** Row i of {@code to} = row {@code rows[i]} of {@code from}, decoded to the values of {@link Backend#decode}. */
    void gatherRows(PackedTensor from, int[] rows, Tensor to);

    /** Decodes all rows into {@code target}, to the values of {@link Backend#decode}. */
    void decode(PackedTensor w, Tensor target);
}
