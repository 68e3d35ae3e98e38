package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A model on disk: an architecture, named tensors that are mapped when they are asked for, and a tokenizer. */
public interface Checkpoint extends AutoCloseable {
    /** Folder or file it was opened from. */
    Path path();

    /** Container, for people: {@code Hugging Face safetensors}, {@code llama2.c}. */
    String container();

    DecoderSpec spec();

    /**
     * All tensors that hold numbers of a {@link org.bitscarp.quant.StoredFormat}, file by file in file order; integer
     * buffers that some exporters leave in a file ({@code position_ids}) are not listed.
     */
    List<TensorInfo> tensors();

    /**
     * The weight with a role, shape checked against {@link #spec()}.
     *
     * @param layer from 0; ignored for roles that are not in a layer
     * @return empty for an absent optional weight (a bias, a tied head)
     */
    Optional<Weight> weight(TensorRole role, int layer);

    /** The weight with a role of the first layer that has one. */
    default Optional<Weight> anyLayer(TensorRole role) {
        for (int layer = 0; layer < (role.inLayer() ? spec().layers() : 1); layer++) {
            Optional<Weight> weight = weight(role, layer);
            if (weight.isPresent()) {
                return weight;
            }
        }
        return Optional.empty();
    }

    /** The weight with a role where it is one stored tensor, row for row. */
    default Optional<TensorInfo> tensor(TensorRole role, int layer) {
        return weight(role, layer).flatMap(Weight::tensor);
    }

    /**
     * Maps {@code rows} rows from {@code firstRow} on: stored bytes as they are, little-endian, unmapped when the arena
     * closes. Rows are those of the first dimension; a vector is a single row. The segment need not be aligned to the
     * size of a value, so read it with the {@code _UNALIGNED} layouts.
     */
    MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) throws IOException;

    /** Bytes handed out by {@link #map} so far; −1 for a checkpoint that does not count them. */
    default long bytesMapped() {
        return -1;
    }

    /** All weights that a forward pass reads, in the order of the roles. */
    default List<Weight> weights() {
        List<Weight> weights = new ArrayList<>();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? spec().layers() : 1); layer++) {
                weight(role, layer).ifPresent(weights::add);
            }
        }
        return weights;
    }

    /** Number of weights of the model; a tied head counts once. */
    default long parameters() {
        return weights().stream().mapToLong(Weight::size).sum();
    }

    /** The tokenizer that belongs to the checkpoint; the caller closes it. */
    Tokenizer tokenizer() throws IOException;

    @Override
    void close();
}
