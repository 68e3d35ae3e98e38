package org.bitscarp.eval.engine;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;

/**
 * The weights of one layer on the backend; roles that the checkpoint does not have are absent.
 *
 * @param tensors weights in fp32
 * @param packed linear maps in their storage format, one for each expert or a single one
 */
record LayerWeights(Map<TensorRole, Tensor> tensors, Map<TensorRole, List<LinearMap.Packed>> packed) {
    LayerWeights {
        tensors = new EnumMap<>(tensors);
    }

    LayerWeights(Map<TensorRole, Tensor> tensors) {
        this(tensors, Map.of());
    }

    Tensor get(TensorRole role) {
        return tensors.get(role);
    }

    boolean has(TensorRole role) {
        return tensors.containsKey(role) || packed.containsKey(role);
    }

    LinearMap map(Backend backend, TensorRole role) {
        return map(backend, role, 0, 1);
    }

    /** One of {@code experts} maps. */
    LinearMap map(Backend backend, TensorRole role, int expert, int experts) {
        List<LinearMap.Packed> maps = packed.get(role);
        if (maps != null) {
            return maps.get(expert);
        }
        Tensor all = tensors.get(role);
        int rows = all.rows() / experts;
        return new LinearMap.Dense(backend, all.slice(expert * rows, rows));
    }
}
