package org.bitscarp.eval.engine;

import org.bitscarp.compute.Backend;
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.PackedTensor;
import org.bitscarp.compute.Tensor;

/** A linear map [n, k] as the backend has it. */
sealed interface LinearMap {
    /** y = x·wᵀ; x is [m, k], y is [m, n]. */
    void multiply(Tensor x, Tensor y);

    /** Row i of {@code to} = row {@code rows[i]} of w, as embeddings of tokens are looked up. */
    void gather(int[] rows, Tensor to);

    /** In fp32. */
    record Dense(Backend backend, Tensor weights) implements LinearMap {
        @Override
        public void multiply(Tensor x, Tensor y) {
            backend.matmul(x, weights, y);
        }

        @Override
        public void gather(int[] rows, Tensor to) {
            backend.gatherRows(weights, rows, to);
        }
    }

    /**
     * In its storage format.
     *
     * @param decoded room for the decoded weights, where products come that have more rows than pay off; shared by all maps
     *     of a model, so one product is made at a time
     */
    record Packed(Backend backend, PackedProducts products, PackedTensor weights, Tensor decoded) implements LinearMap {
        @Override
        public void multiply(Tensor x, Tensor y) {
            if (products.multiplies(weights.format(), weights.columns(), x.rows())) {
                products.matmul(x, weights, y);
            } else {
                Tensor w = decoded.reshape(weights.rows(), weights.columns());
                products.decode(weights, w);
                backend.matmul(x, w, y);
            }
        }

        @Override
        public void gather(int[] rows, Tensor to) {
            products.gatherRows(weights, rows, to);
        }
    }
}
