package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import java.util.stream.Collectors;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.SelectedRows;
import org.bitscarp.model.internal.weights.StackedWeight;
import org.bitscarp.model.internal.weights.StoredWeight;
import org.bitscarp.model.internal.weights.TransposedWeight;
import org.bitscarp.quant.StoredFormat;

/** The linear maps of a checkpoint as its files have them: fused ones whole, experts one by one. */
final class LinearMaps {
    private final Checkpoint checkpoint;
    private final Map<String, TensorInfo> stored;
    private final Map<String, ExportTensor> maps = new LinkedHashMap<>();

    private LinearMaps(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        stored = checkpoint.tensors().stream().collect(Collectors.toMap(TensorInfo::name, t -> t));
    }

    /** Layer by layer, the output projection last. A fused map has the first of its roles. */
    static List<ExportTensor> of(Checkpoint checkpoint) throws ModelException {
        LinearMaps maps = new LinearMaps(checkpoint);
        for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
            for (TensorRole role : TensorRole.values()) {
                if (role.linear()) {
                    maps.add(role, layer);
                }
            }
        }
        maps.add(TensorRole.HEAD, 0);
        return new ArrayList<>(maps.maps.values());
    }

    private void add(TensorRole role, int layer) throws ModelException {
        Optional<Weight> weight = checkpoint.weight(role, layer);
        if (weight.isEmpty()) {
            return;
        }
        List<Weight> parts = weight.get() instanceof StackedWeight stack ? stack.parts() : List.of(weight.get());
        for (int i = 0; i < parts.size(); i++) {
            Weight part = parts.get(i);
            Weight whole = whole(part);
            ExportTensor.Piece piece = new ExportTensor.Piece(role, i, part.rows(), place(part));
            ExportTensor before = maps.get(whole.name());
            List<ExportTensor.Piece> pieces = new ArrayList<>(before == null ? List.of() : before.pieces());
            pieces.add(piece);
            maps.put(
                    whole.name(),
                    before == null
                            ? new ExportTensor(whole.name(), role, layer, whole, pieces)
                            : new ExportTensor(whole.name(), before.role(), layer, before.weight(), pieces));
        }
    }

    private static LongUnaryOperator place(Weight part) {
        return switch (part) {
            case SelectedRows rows -> rows.order()::stored;
            case StoredWeight stored -> stored.order()::stored;
            default -> row -> row;
        };
    }

    private Weight whole(Weight weight) throws ModelException {
        if (weight instanceof TransposedWeight) {
            throw new ModelException(checkpoint.path() + ": tensor " + weight.name()
                    + " is stored as [in, out]; models of this kind cannot be written as GPTQ");
        }
        if (weight instanceof SelectedRows rows) {
            return rows.whole();
        }
        TensorInfo tensor = stored.get(weight.name());
        return weight.tensor().isPresent() || tensor == null ? weight : new WholeTensor(checkpoint, tensor);
    }

    /** A stored tensor of which the model's weights are parts. */
    private record WholeTensor(Checkpoint checkpoint, TensorInfo info) implements Weight {
        @Override
        public String name() {
            return info.name();
        }

        @Override
        public List<Long> shape() {
            return info.shape();
        }

        @Override
        public String formatName() {
            return info.format().name();
        }

        @Override
        public long byteSize() {
            return info.byteSize();
        }

        @Override
        public Optional<TensorInfo> tensor() {
            return Optional.of(info);
        }

        @Override
        public Optional<StoredFormat> format() {
            return Optional.of(info.format());
        }

        @Override
        public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = checkpoint.map(info, firstRow, rows, arena);
                info.format().decode(bytes, 0, rows * columns(), target, offset);
            }
        }

        @Override
        public void copy(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = checkpoint.map(info, firstRow, rows, arena);
                MemorySegment.copy(bytes, 0, target, offset, bytes.byteSize());
            }
        }
    }
}
