package org.bitscarp.model.internal;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.MappedFiles;

/** A checkpoint whose tensors are ranges of open files. */
public final class MappedCheckpoint implements Checkpoint {
    /** Makes the tokenizer when it is asked for. */
    public interface TokenizerSource {
        Tokenizer open() throws IOException;
    }

    private final Path path;
    private final String container;
    private final DecoderSpec spec;
    private final List<TensorInfo> tensors;
    private final Map<TensorRole, Weight[]> roles;
    private final MappedFiles files;
    private final TokenizerSource tokenizer;

    /**
     * @param roles one weight per layer, or one for a role that is not in a layer; no key for an absent role, null for a
     *     layer without an optional one
     */
    public MappedCheckpoint(
            Path path,
            String container,
            DecoderSpec spec,
            List<TensorInfo> tensors,
            Map<TensorRole, Weight[]> roles,
            MappedFiles files,
            TokenizerSource tokenizer) {
        this.path = path;
        this.container = container;
        this.spec = spec;
        this.tensors = List.copyOf(tensors);
        this.roles = roles;
        this.files = files;
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
    public Optional<Weight> weight(TensorRole role, int layer) {
        int index = role.inLayer() ? Objects.checkIndex(layer, spec.layers()) : 0;
        return Optional.ofNullable(roles.get(role)).map(perLayer -> perLayer[index]);
    }

    @Override
    public MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) throws IOException {
        Objects.checkFromIndexSize(firstRow, rows, tensor.rows());
        return files.map(tensor, firstRow * tensor.rowBytes(), rows * tensor.rowBytes(), arena);
    }

    @Override
    public long bytesMapped() {
        return files.bytesMapped();
    }

    @Override
    public Tokenizer tokenizer() throws IOException {
        return tokenizer.open();
    }

    @Override
    public void close() {
        files.close();
    }
}
