package org.bitscarp.model.internal.gguf;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;

/** Shapes of tensors that hold one role or several, outermost dimension first. */
public final class GgufShapes {
    private GgufShapes() {}

    /** Shape of the tensor: rows of all roles together; experts as a dimension of its own. */
    public static List<Long> stored(DecoderSpec spec, List<TensorRole> stack) {
        TensorRole role = stack.getFirst();
        List<Long> shape = new ArrayList<>(spec.shape(role));
        shape.set(0, stack.stream().mapToLong(r -> spec.shape(r).getFirst()).sum());
        if (role.perExpert()) {
            shape.set(0, shape.getFirst() / spec.mlp().experts());
            shape.addFirst((long) spec.mlp().experts());
        }
        return shape;
    }

    /** Whether a model of this kind has a role at all: dense blocks and experts exclude each other. */
    public static boolean asked(DecoderSpec spec, TensorRole role) {
        boolean routed = spec.mlp().experts() > 0;
        return switch (role) {
            case GATE, UP, DOWN, GATE_BIAS, UP_BIAS, DOWN_BIAS -> !routed;
            case ROUTER, EXPERT_GATE, EXPERT_UP, EXPERT_DOWN -> routed;
            default -> true;
        };
    }

    /** The row at which a role begins. */
    public static long firstRow(DecoderSpec spec, List<TensorRole> stack, TensorRole role) {
        return stack.stream()
                .takeWhile(r -> r != role)
                .mapToLong(r -> spec.shape(r).getFirst())
                .sum();
    }
}
