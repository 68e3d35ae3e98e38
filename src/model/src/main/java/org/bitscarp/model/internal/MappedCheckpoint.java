package org.bitscarp.model.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Tokenizer;

/** A checkpoint whose tensors are ranges of open files. Files stay open, so that what was checked is what is mapped. */
public final class MappedCheckpoint implements Checkpoint {
    /** Makes the tokenizer when it is asked for. */
    public interface TokenizerSource {
        Tokenizer open() throws IOException;
    }

    private final Path path;
    private final String container;
    private final DecoderSpec spec;
    private final List<TensorInfo> tensors;
    private final Map<TensorRole, TensorInfo[]> roles;
    private final Map<Path, FileChannel> files;
    private final TokenizerSource tokenizer;
    private final AtomicLong bytesMapped = new AtomicLong();

    /**
     * @param roles one tensor per layer, or one for a role that is not in a layer; no key for an absent role, null for a
     *     layer without an optional one
     */
    public MappedCheckpoint(
            Path path,
            String container,
            DecoderSpec spec,
            List<TensorInfo> tensors,
            Map<TensorRole, TensorInfo[]> roles,
            Map<Path, FileChannel> files,
            TokenizerSource tokenizer) {
        this.path = path;
        this.container = container;
        this.spec = spec;
        this.tensors = List.copyOf(tensors);
        this.roles = roles;
        this.files = Map.copyOf(files);
        this.tokenizer = tokenizer;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public String container() {
        return container;
    }

    @Override
    public DecoderSpec spec() {
        return spec;
    }

    @Override
    public List<TensorInfo> tensors() {
        return tensors;
    }

    @Override
    public Optional<TensorInfo> tensor(TensorRole role, int layer) {
        int index = role.inLayer() ? Objects.checkIndex(layer, spec.layers()) : 0;
        return Optional.ofNullable(roles.get(role)).map(perLayer -> perLayer[index]);
    }

    @Override
    public MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) throws IOException {
        Objects.checkFromIndexSize(firstRow, rows, tensor.rows());
        FileChannel channel = files.get(tensor.file());
        if (channel == null) {
            throw new IllegalArgumentException("tensor " + tensor.name() + " belongs to another checkpoint");
        }
        long offset = tensor.offset() + firstRow * tensor.rowBytes();
        long length = rows * tensor.rowBytes();
        if (offset < 0 || offset + length > channel.size()) {
            throw new ModelException(tensor.file() + ": tensor " + tensor.name() + " ends at byte " + (offset + length)
                    + ", the file now has " + channel.size() + ": it was changed while in use; start again");
        }
        if (length == 0) {
            return MemorySegment.ofArray(new byte[0]);
        }
        bytesMapped.addAndGet(length);
        return channel.map(FileChannel.MapMode.READ_ONLY, offset, length, arena);
    }

    @Override
    public long bytesMapped() {
        return bytesMapped.get();
    }

    @Override
    public Tokenizer tokenizer() throws IOException {
        return tokenizer.open();
    }

    @Override
    public void close() {
        closeAll(files);
    }

    static void closeAll(Map<Path, FileChannel> files) {
        IOException failure = null;
        for (FileChannel channel : files.values()) {
            try {
                channel.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw new UncheckedIOException(failure);
        }
    }
}
