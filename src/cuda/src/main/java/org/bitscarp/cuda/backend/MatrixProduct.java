package org.bitscarp.cuda.backend;

import java.util.Optional;

/** Who multiplies dense matrices on a device: a library that was found, or the project's own kernels. */
interface MatrixProduct extends AutoCloseable {
    /** For reports: which product, and why not a better one. */
    String description();

    /** y = x·wᵀ; x is [m, k], w is [n, k], y is [m, n], none of them empty. */
    void multiply(Lane lane, DeviceTensor x, DeviceTensor w, DeviceTensor y);

    /**
     * {@code sums[i][j] += Σ over rows of x[·][i]·x[·][j]} for i in {@code [first, first + count)} and j ≥ {@code first},
     * in fp32 whatever else is set: a Hessian is inverted later.
     */
    void addOuterProducts(Lane lane, DeviceTensor x, int first, int count, DeviceTensor sums);

    /**
     * In which type the project's own kernels score logits on the way, beside this product; empty where a product of all
     * logits and kernels that read them are the better choice.
     */
    Optional<DenseType> scoring();

    @Override
    void close();
}
