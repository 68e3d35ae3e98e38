package org.bitscarp.model.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.NumberFormat;

/** A tensor of a Hugging Face folder, and which weights of a decoder lie in which of its rows. */
abstract sealed class FolderTensor implements SafetensorsShards.Unit permits FolderMatrix, FolderVector {
    /** Matrices are copied in pieces of so many weights. */
    static final long CHUNK_WEIGHTS = 1 << 22;

    /**
     * Rows of a weight; of a vector, its elements.
     *
     * @param firstRow the first of them in the weight
     * @param order where each of them, counted from 0, lies in the tensor
     */
    record Part(Weight weight, long firstRow, long rows, RowOrder order) {}

    private final String name;
    private final List<Part> parts = new ArrayList<>();
    private NumberFormat type;

    FolderTensor(String name) {
        this.name = name;
    }

    final String name() {
        return name;
    }

    /** Adds weights of one more role. Where types differ, all become fp32, which holds their values. */
    final void add(Part part, NumberFormat own) {
        parts.add(part);
        type = type == null || type == own ? own : NumberFormat.FP32;
    }

    final List<Part> parts() {
        return parts;
    }

    final NumberFormat type() {
        return type;
    }

    final void store(NumberFormat other) {
        type = other;
    }

    /** Rows that the tensor has; of a vector, its elements. */
    abstract long rows();

    abstract List<Long> shape();

    /**
     * Looks for rows without weights.
     *
     * @param source names the model in messages
     */
    final void requireWhole(Path source) throws ModelException {
        long found = parts.stream().mapToLong(Part::rows).sum();
        if (found != rows()) {
            throw new ModelException(source + ": " + parts.getFirst().weight().name() + " and its like fill " + found
                    + " rows of tensor " + name + ", which has " + rows() + "; no Hugging Face folder can be written");
        }
    }

    static BlockFormat blocks(NumberFormat type) {
        return switch (type) {
            case FP16 -> FloatFormat.FP16;
            case BF16 -> FloatFormat.BF16;
            default -> FloatFormat.FP32;
        };
    }

    @Override
    public final List<SafetensorsWriter.Tensor> tensors() {
        return List.of(new SafetensorsWriter.Tensor(name, type, shape()));
    }

    @Override
    public abstract void write(SafetensorsWriter writer) throws IOException;
}
