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
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.transform.BasisChange;

/**
 * The layers of one level on the backend, in any order and as often as wanted: all of them at once, or loaded each time into
 * the memory of a single one. Linear maps stay packed where the backend multiplies them so; what remains is decoded. Which of
 * the two depends on formats and shapes alone, so how much memory there is changes no result.
 */
final class LevelModel implements AutoCloseable {
    /** Weights decoded as one piece of work. */
    private static final int PIECE = 1 << 18;

    private final Backend backend;
    private final PackedProducts products;
    private final WeightReader reader;
    private final PackedLevels packed;
    private final int level;
    private final int rows;
    private final Lanes lanes;
    private final Arena arena = Arena.ofShared();
    private final TensorMemory memory;
    private final Map<TensorRole, DenseMatrix> host;
    private final boolean resident;
    /** Of each layer, or one for all. */
    private final List<Place> places = new ArrayList<>();
    /** For packed maps that meet more rows than pay off; null where there are none. */
    private final Tensor decoded;

    private final LayerWeights[] loaded;

    /** Memory of a layer: tensors in fp32, and floats in the place of packed bytes. */
    private record Place(Map<TensorRole, Tensor> dense, Map<TensorRole, Tensor> bytes) {
        Place() {
            this(new EnumMap<>(TensorRole.class), new EnumMap<>(TensorRole.class));
        }
    }

    /**
     * @param plan products have a row for each of its sequences, those of the first run one for each token of the prompts
     * @param room bytes that all layers may take on the backend; where they take more, one is there at a time
     */
    LevelModel(
            Backend backend,
            WeightReader reader,
            PackedLevels packed,
            int level,
            int layers,
            ContinuationPlan plan,
            long room,
            Lanes lanes) {
        this.backend = backend;
        this.lanes = lanes;
        this.reader = reader;
        this.packed = packed;
        this.level = level;
        rows = plan.sequences();
        products = backend.packedProducts().orElse(null);
        host = reader.allocateLayer(arena);
        resident = bytes(layers) <= room;
        loaded = new LayerWeights[layers];
        memory = backend.newMemory();
        for (int layer = 0; layer < (resident ? layers : 1); layer++) {
            places.add(resident ? place(layer, layer + 1) : place(0, layers));
        }
        decoded = roomToDecode(layers, rows * plan.longestPrompt());
    }

    /** Bytes of the weights of {@code layers} layers in fp32, with the one that is read. */
    static long bytes(long layerBytes, int layers) {
        return layerBytes * (layers + 1);
    }

    /** Bytes of all layers on the backend. */
    private long bytes(int layers) {
        long bytes = 0;
        for (int layer = 0; layer < layers; layer++) {
            for (TensorRole role : host.keySet()) {
                List<PackedLevels.Kept> maps = packed.get(level, layer, role);
                bytes += 4 * (staysPacked(maps) ? floats(maps) : host.get(role).size());
            }
        }
        return bytes;
    }

    /** Memory for any one of layers {@code [from, to)}, which may be packed in several formats. */
    private Place place(int from, int to) {
        Place place = new Place();
        host.forEach((role, w) -> {
            boolean dense = false;
            int floats = 0;
            for (int layer = from; layer < to; layer++) {
                List<PackedLevels.Kept> maps = packed.get(level, layer, role);
                if (staysPacked(maps)) {
                    floats = Math.max(floats, Math.toIntExact(floats(maps)));
                } else {
                    dense = true;
                }
            }
            if (dense) {
                place.dense.put(role, memory.allocate(w.rows(), w.columns()));
            }
            if (floats > 0) {
                place.bytes.put(role, memory.allocate(floats, 1));
            }
        });
        return place;
    }

    /** Memory for the largest packed map that meets products of more rows than pay off; null where there is none. */
    private Tensor roomToDecode(int layers, int mostRows) {
        PackedMatrix largest = null;
        for (int layer = 0; products != null && layer < layers; layer++) {
            for (TensorRole role : host.keySet()) {
                for (PackedLevels.Kept map : packed.get(level, layer, role)) {
                    PackedMatrix matrix = map.matrix();
                    if (!products.multiplies(matrix.format(), matrix.columns(), mostRows)
                            && (largest == null || size(matrix) > size(largest))) {
                        largest = matrix;
                    }
                }
            }
        }
        return largest == null ? null : memory.allocate(largest.rows(), largest.columns());
    }

    private static long size(PackedMatrix matrix) {
        return (long) matrix.rows() * matrix.columns();
    }

    /** Whether the maps of a role are multiplied from their bytes; one that has to be brought back to another basis is not. */
    private boolean staysPacked(List<PackedLevels.Kept> maps) {
        return products != null
                && !maps.isEmpty()
                && maps.stream()
                        .allMatch(map -> map.change().none()
                                && products.multiplies(
                                        map.matrix().format(), map.matrix().columns(), rows));
    }

    private static long floats(List<PackedLevels.Kept> maps) {
        return maps.stream().mapToLong(map -> floats(map.matrix())).sum();
    }

    /** What takes the place of packed bytes. */
    static int floats(PackedMatrix matrix) {
        return Math.toIntExact((matrix.byteSize() + Float.BYTES - 1) / Float.BYTES);
    }

    /** What products are made with. */
    enum Weights {
        /** The checkpoint's own. */
        AS_STORED,
        /** All quantized maps as they are packed. */
        PACKED,
        /** Some of them decoded. */
        DECODED
    }

    Weights weights() {
        Weights weights = Weights.AS_STORED;
        for (int layer = 0; layer < loaded.length; layer++) {
            for (TensorRole role : host.keySet()) {
                List<PackedLevels.Kept> maps = packed.get(level, layer, role);
                if (!maps.isEmpty()) {
                    if (!staysPacked(maps)) {
                        return Weights.DECODED;
                    }
                    weights = Weights.PACKED;
                }
            }
        }
        return weights;
    }

    /** A layer's weights; valid until the next call where not all layers are resident. */
    LayerWeights layer(int layer) throws IOException {
        if (resident && loaded[layer] != null) {
            return loaded[layer];
        }
        Place place = places.get(resident ? layer : 0);
        // Linear maps that the level has packed are not read again.
        Set<TensorRole> stored = EnumSet.noneOf(TensorRole.class);
        Map<TensorRole, Tensor> dense = new EnumMap<>(TensorRole.class);
        Map<TensorRole, List<LinearMap.Packed>> maps = new EnumMap<>(TensorRole.class);
        List<Part> parts = new ArrayList<>();
        for (TensorRole role : host.keySet()) {
            List<PackedLevels.Kept> matrices = packed.get(level, layer, role);
            if (matrices.isEmpty()) {
                stored.add(role);
            } else if (staysPacked(matrices)) {
                maps.put(role, upload(matrices, place.bytes.get(role)));
            } else {
                Tensor target = place.dense.get(role);
                dense.put(role, target);
                int row = 0;
                for (PackedLevels.Kept kept : matrices) {
                    int count = kept.matrix().rows();
                    parts.add(new Part(kept.matrix(), kept.change(), target.slice(row, count)));
                    row += count;
                }
            }
        }
        decode(parts);
        Map<TensorRole, DenseMatrix> rest = new EnumMap<>(host);
        rest.keySet().retainAll(stored);
        for (TensorRole role : reader.layer(layer, rest)) {
            backend.upload(host.get(role).data(), place.dense.get(role));
            dense.put(role, place.dense.get(role));
        }
        loaded[layer] = new LayerWeights(dense, maps);
        return loaded[layer];
    }

    private List<LinearMap.Packed> upload(List<PackedLevels.Kept> matrices, Tensor room) {
        List<LinearMap.Packed> maps = new ArrayList<>();
        int at = 0;
        for (PackedLevels.Kept kept : matrices) {
            int floats = floats(kept.matrix());
            maps.add(new LinearMap.Packed(
                    backend, products, products.upload(kept.matrix(), room.slice(at, floats)), decoded));
            at += floats;
        }
        return maps;
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
