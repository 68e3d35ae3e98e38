package org.bitscarp.eval.engine;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.TensorRole;

/**
 * What some linear maps of a layer read, such as the normed states in front of queries, keys and values.
 *
 * @param role the first of these maps, by which the others name their input
 * @param channels its width
 * @param experts how many there are of it: one for each expert, else 1
 * @param perToken how many of these a token has
 */
record LayerInput(TensorRole role, int channels, int experts, int perToken) {
    /** All of a layer that has every kind of map of the model. */
    static List<LayerInput> of(Checkpoint checkpoint) {
        MlpSpec mlp = checkpoint.spec().mlp();
        List<LayerInput> inputs = new ArrayList<>();
        for (TensorRole role : TensorRole.values()) {
            if (role.linear() && role.input() == role) {
                boolean routed = role.perExpert();
                checkpoint
                        .anyLayer(role)
                        .ifPresent(weight -> inputs.add(new LayerInput(
                                role,
                                Math.toIntExact(weight.columns()),
                                routed ? mlp.experts() : 1,
                                routed ? mlp.expertsPerToken() : 1)));
            }
        }
        return inputs;
    }
}
