package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/** A checkpoint some of whose weights differ from those of another, which stays open when this one is closed. */
public abstract class ForwardingCheckpoint implements Checkpoint {
    /** The checkpoint that is on disk. */
    protected final Checkpoint plain;

    protected ForwardingCheckpoint(Checkpoint plain) {
        this.plain = plain;
    }

    @Override
    public final Path path() {
        return plain.path();
    }

    @Override
    public final String container() {
        return plain.container();
    }

    @Override
    public DecoderSpec spec() {
        return plain.spec();
    }

    @Override
    public final List<TensorInfo> tensors() {
        return plain.tensors();
    }

    @Override
    public final MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) throws IOException {
        return plain.map(tensor, firstRow, rows, arena);
    }

    @Override
    public final long bytesMapped() {
        return plain.bytesMapped();
    }

    @Override
    public final Tokenizer tokenizer() throws IOException {
        return plain.tokenizer();
    }

    /** The other checkpoint is closed by whoever opened it. */
    @Override
    public final void close() {}
}
