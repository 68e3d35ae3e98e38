package org.bitscarp.eval.engine;

import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;

/** Which storage format each linear map of the layers gets. */
@FunctionalInterface
public interface Allocation {
    BlockFormat format(TensorRole role, int layer);

    /** The same for all. */
    static Allocation uniform(BlockFormat format) {
        return (role, layer) -> format;
    }
}
