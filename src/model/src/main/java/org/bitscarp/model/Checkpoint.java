package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A model on disk: an architecture, named tensors that are mapped when they are asked for, and a tokenizer. */
public interface Checkpoint extends AutoCloseable {
    /** Folder or file it was opened from. */
    Path path();

    /** Container, for people: {@code Hugging Face safetensors}, {@code llama2.c}. */
    String container();

    DecoderSpec spec();

    /** All tensors, in file order. */
    List<TensorInfo> tensors();

    /**
     * The tensor with a role, shape checked against {@link #spec()}.
     *
     * @param layer from 0; ignored for roles that are not in a layer
     * @return empty for an absent optional tensor (a bias, a tied head)
     */
    Optional<TensorInfo> tensor(TensorRole role, int layer);

    /**
     * Maps {@code rows} rows from {@code firstRow} on: stored bytes as they are, unmapped when the arena closes.
     * Rows are those of the first dimension; a vector is a single row.
     */
    MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) throws IOException;

    /** The tokenizer that belongs to the checkpoint. */
    Tokenizer tokenizer() throws IOException;

    @Override
    void close();
}
