package org.bitscarp.eval.engine;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;

/**
 * One layer's weights on the backend: as the level at work has them, and beside them the linear maps in full precision where
 * the device quantizes, so that all levels share one upload of them. Otherwise both are the same tensors.
 */
final class LayerTensors {
    private final Backend backend;
    private final Map<TensorRole, DenseMatrix> host;
    private final Map<TensorRole, Tensor> tensors = new EnumMap<>(TensorRole.class);
    private final Map<TensorRole, Tensor> originals = new EnumMap<>(TensorRole.class);
    private Set<TensorRole> present = Set.of();
    private boolean holdsFullPrecision;

    /**
     * @param host the layer as it is read, whatever layer it is
     * @param twice whether linear maps stay in full precision while a level has them in another
     */
    LayerTensors(Backend backend, Map<TensorRole, DenseMatrix> host, TensorMemory memory, boolean twice) {
        this.backend = backend;
        this.host = host;
        host.forEach((role, w) -> tensors.put(role, memory.allocate(w.rows(), w.columns())));
        if (twice) {
            host.forEach((role, w) -> {
                if (role.linear()) {
                    originals.put(role, memory.allocate(w.rows(), w.columns()));
                }
            });
        }
    }

    /** Uploads a layer that has been read; routed and dense layers of a model differ in what they have. */
    void upload(Set<TensorRole> present) {
        this.present = present;
        for (TensorRole role : present) {
            backend.upload(host.get(role).data(), originals.getOrDefault(role, tensors.get(role)));
        }
        holdsFullPrecision = true;
    }

    /** What the layer has of a level, once it is in {@link #target}. */
    LayerWeights ofLevel() {
        return weights(tensors);
    }

    /** The layer as it is; uploaded again where a level has taken its place. */
    LayerWeights fullPrecision() {
        if (!originals.isEmpty()) {
            Map<TensorRole, Tensor> all = new EnumMap<>(tensors);
            all.putAll(originals);
            return weights(all);
        }
        if (!holdsFullPrecision) {
            present.stream().filter(TensorRole::linear).forEach(role -> backend.upload(
                    host.get(role).data(), tensors.get(role)));
            holdsFullPrecision = true;
        }
        return weights(tensors);
    }

    /** Where a level's linear map goes, row after row. */
    Tensor target(TensorRole role, int firstRow, int rows) {
        holdsFullPrecision = false;
        return tensors.get(role).slice(firstRow, rows);
    }

    /** The same rows in full precision on the device; null where they are on the host only. */
    Tensor original(TensorRole role, int firstRow, int rows) {
        return originals.isEmpty() ? null : originals.get(role).slice(firstRow, rows);
    }

    private LayerWeights weights(Map<TensorRole, Tensor> all) {
        Map<TensorRole, Tensor> weights = new EnumMap<>(all);
        weights.keySet().retainAll(present);
        return new LayerWeights(weights);
    }
}
