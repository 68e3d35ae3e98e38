package org.bitscarp.eval.engine;

import java.util.EnumMap;
import java.util.Map;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;

/** The tensors of one layer on the backend; roles that the checkpoint does not have are absent. */
record LayerWeights(Map<TensorRole, Tensor> tensors) {
    LayerWeights {
        tensors = new EnumMap<>(tensors);
    }

    Tensor get(TensorRole role) {
        return tensors.get(role);
    }

    boolean has(TensorRole role) {
        return tensors.containsKey(role);
    }
}
