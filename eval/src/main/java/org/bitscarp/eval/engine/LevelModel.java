package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.transform.BasisChange;

/**
 * The layers of one level on the backend, in any order and as often as wanted: all of them at once, or decoded from their
 * packed bytes each time into the tensors of a single one.
 */
final class LevelModel implements AutoCloseable {
    /** Weights decoded as one piece of work. */
    private static final int PIECE = 1 << 18;

    private final Backend backend;
    private final WeightReader reader;
    private final PackedLevels packed;
    private final int level;
    private final boolean resident;
    private final Lanes lanes;
    private final Arena arena = Arena.ofShared();
    private final TensorMemory memory;
    private final Map<TensorRole, DenseMatrix> host;
    /** Of each layer, or one set for all; null until it is loaded. */
    private final List<Map<TensorRole, Tensor>> tensors = new ArrayList<>();

    private final LayerWeights[] loaded;

    /** @param resident whether all layers stay on the backend */
    LevelModel(
            Backend backend,
            WeightReader reader,
            PackedLevels packed,
            int level,
            int layers,
            boolean resident,
            Lanes lanes) {
        this.backend = backend;
        this.lanes = lanes;
        this.reader = reader;
        this.packed = packed;
        this.level = level;
        this.resident = resident;
        memory = backend.newMemory();
        host = reader.allocateLayer(arena);
        for (int i = 0; i < (resident ? layers : 1); i++) {
            Map<TensorRole, Tensor> layer = new EnumMap<>(TensorRole.class);
            host.forEach((role, w) -> layer.put(role, memory.allocate(w.rows(), w.columns())));
            tensors.add(layer);
        }
        loaded = new LayerWeights[layers];
    }

    /** Bytes of the weights of {@code layers} layers. */
    static long bytes(long layerBytes, int layers, boolean resident) {
        return layerBytes * ((resident ? layers : 1) + 1);
    }

    /** A layer's weights; valid until the next call where not all layers are resident. */
    LayerWeights layer(int layer) throws IOException {
        if (resident && loaded[layer] != null) {
            return loaded[layer];
        }
        Map<TensorRole, Tensor> targets = tensors.get(resident ? layer : 0);
        // Linear maps that the level has packed are not read again.
        Set<TensorRole> unpacked = EnumSet.noneOf(TensorRole.class);
        Map<TensorRole, Tensor> present = new EnumMap<>(TensorRole.class);
        List<Part> parts = new ArrayList<>();
        for (TensorRole role : host.keySet()) {
            List<PackedLevels.Kept> matrices = packed.get(level, layer, role);
            if (matrices.isEmpty()) {
                unpacked.add(role);
                continue;
            }
            present.put(role, targets.get(role));
            int row = 0;
            for (PackedLevels.Kept kept : matrices) {
                int rows = kept.matrix().rows();
                parts.add(
                        new Part(kept.matrix(), kept.change(), targets.get(role).slice(row, rows)));
                row += rows;
            }
        }
        decode(parts);
        Map<TensorRole, DenseMatrix> rest = new EnumMap<>(host);
        rest.keySet().retainAll(unpacked);
        for (TensorRole role : reader.layer(layer, rest)) {
            backend.upload(host.get(role).data(), targets.get(role));
            present.put(role, targets.get(role));
        }
        loaded[layer] = new LayerWeights(present);
        return loaded[layer];
    }

    private record Part(PackedMatrix matrix, BasisChange change, Tensor target) {}

    private void decode(List<Part> parts) throws IOException {
        record Piece(Part part, int from, int to) {}
        List<Piece> pieces = new ArrayList<>();
        for (Part part : parts) {
            int step = part.change.none() ? Math.max(1, PIECE / part.matrix.columns()) : part.matrix.rows();
            for (int from = 0; from < part.matrix.rows(); from += step) {
                pieces.add(new Piece(part, from, Math.min(part.matrix.rows(), from + step)));
            }
        }
        lanes.forEach(pieces.size(), (lane, i) -> {
            Piece piece = pieces.get(i);
            if (piece.part.change.none()) {
                backend.decode(piece.part.matrix, piece.from, piece.to, piece.part.target);
            } else {
                MatrixQuantizer.decodeBack(backend, piece.part.matrix, piece.part.change, piece.part.target);
            }
        });
    }

    @Override
    public void close() {
        memory.close();
        arena.close();
    }
}
