package org.bitscarp.eval.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;

/** Whether checkpoints can be of one model. */
final class CompareChecks {
    private CompareChecks() {}

    /**
     * What must agree for hidden states to be compared layer by layer and distributions token by token. What may differ is
     * how a file says the rest: a tied head or a copy of it, trained positions, which biases it has.
     *
     * @throws IllegalArgumentException with the first difference
     */
    static void sameShape(Checkpoint reference, Checkpoint other) {
        Map<String, Object> expected = shape(reference.spec());
        shape(other.spec()).forEach((what, found) -> {
            if (!found.equals(expected.get(what))) {
                throw new IllegalArgumentException(other.path() + ": " + what + " is " + found + ", but "
                        + expected.get(what) + " in the reference " + reference.path()
                        + "; only checkpoints of one model can be compared");
            }
        });
    }

    private static Map<String, Object> shape(DecoderSpec spec) {
        Map<String, Object> shape = new LinkedHashMap<>();
        shape.put("the vocabulary", spec.vocabulary());
        shape.put("the hidden size", spec.hidden());
        shape.put("the number of layers", spec.layers());
        shape.put("the number of attention heads", spec.attention().heads());
        shape.put("the number of key/value heads", spec.attention().kvHeads());
        shape.put("the size of an attention head", spec.attention().headDim());
        shape.put("the feed-forward width", spec.mlp().width());
        shape.put("the number of experts", spec.mlp().experts());
        shape.put("the width of an expert", spec.mlp().expertWidth());
        shape.put("the residual wiring", spec.residual());
        shape.put("the kind of norm", spec.norm().kind());
        return shape;
    }
}
