package org.bitscarp.eval.engine;

import java.util.Set;
import org.bitscarp.model.TensorRole;

/**
 * Some linear maps of one layer whose quantization is looked at by itself.
 *
 * @param layer number of the layer
 * @param roles one map, or all of the layer
 */
public record SensitivityPart(int layer, Set<TensorRole> roles) {
    public SensitivityPart {
        roles = Set.copyOf(roles);
    }
}
