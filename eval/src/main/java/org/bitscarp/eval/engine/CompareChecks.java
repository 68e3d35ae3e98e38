package org.bitscarp.eval.engine;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.Rope;

/** Whether checkpoints can be of one model. */
final class CompareChecks {
    /** Relative difference of frequencies that a base written in single precision makes. */
    private static final double ROTATION = 1e-5;

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
        for (int layer = 0; layer < reference.spec().layers(); layer++) {
            sameRotation(reference, other, layer);
        }
    }

    /** Containers say a rotation in other words, a base and divisors in single precision for one. */
    private static void sameRotation(Checkpoint reference, Checkpoint other, int layer) {
        double[] expected = rotation(reference.spec().attention().rope(layer));
        double[] found = rotation(other.spec().attention().rope(layer));
        boolean same = expected.length == found.length;
        for (int i = 0; same && i < expected.length; i++) {
            same = Math.abs(found[i] - expected[i]) <= ROTATION * Math.abs(expected[i]);
        }
        if (!same) {
            throw new IllegalArgumentException(other.path() + ": the rotary positions of layer " + layer + " "
                    + described(found) + ", but " + described(expected) + " in the reference " + reference.path()
                    + "; only checkpoints of one model can be compared");
        }
    }

    /** Radians per position of each pair, then what multiplies cosines and sines; empty without a rotation. */
    private static double[] rotation(Rope rope) {
        if (rope == null) {
            return new double[0];
        }
        int pairs = rope.inverseFrequencies().length;
        double[] rotation = Arrays.copyOf(rope.inverseFrequencies(), pairs + 1);
        rotation[pairs] = rope.attentionFactor();
        return rotation;
    }

    private static String described(double[] rotation) {
        int pairs = rotation.length - 1;
        return pairs < 1
                ? "are none"
                : String.format(
                        Locale.ROOT,
                        "turn %d pairs, the slowest by %.6g radians per position, scaled by %.6g",
                        pairs,
                        rotation[pairs - 1],
                        rotation[pairs]);
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
        shape.put("the epsilon of the norms", spec.norm().epsilon());
        shape.put("the activation function", spec.mlp().activation());
        shape.put("the number of experts per token", spec.mlp().expertsPerToken());
        shape.put("the cap of the logits", spec.logitSoftCap());
        return shape;
    }
}
