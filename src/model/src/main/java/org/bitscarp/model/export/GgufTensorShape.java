package org.bitscarp.model.export;

import java.util.List;
import org.bitscarp.quant.BlockFormat;

/**
 * Name and shape of a tensor of a GGUF file.
 *
 * @param shape dimensions, outermost first
 */
public record GgufTensorShape(String name, List<Long> shape) {
    private static final String LAYER = "blk.";

    public GgufTensorShape {
        shape = List.copyOf(shape);
    }

    /** Weights of a row. */
    public int columns() {
        return Math.toIntExact(shape.getLast());
    }

    /** Bytes of all rows in a format. */
    public long bytes(BlockFormat format) {
        return shape.stream().reduce(1L, Math::multiplyExact) / columns() * format.rowBytes(columns());
    }

    /** Number of stacked matrices: experts, or 1. */
    long matrices() {
        return shape.size() < 3 ? 1 : shape.get(shape.size() - 3);
    }

    /** The layer, or −1 outside the layers. */
    int layer() {
        if (!name.startsWith(LAYER)) {
            return -1;
        }
        try {
            return Integer.parseUnsignedInt(name, LAYER.length(), name.indexOf('.', LAYER.length()), 10);
        } catch (NumberFormatException | IndexOutOfBoundsException notALayer) {
            return -1;
        }
    }

    TensorCategory category() {
        return TensorCategory.of(name);
    }

    /**
     * Whether llama.cpp quantizes such a tensor at all ({@code tensor_allows_quantization}): matrices, except those of
     * norms, routers and learned positions.
     */
    public boolean quantizable() {
        return shape.size() > 1
                && name.endsWith("weight")
                && !name.contains("_norm.weight")
                && !name.contains("ffn_gate_inp.weight")
                && !name.equals("position_embd.weight")
                && !name.equals("token_types.weight");
    }
}
