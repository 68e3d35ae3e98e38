package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelDigest;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;

/**
 * Reads full-precision weights: maps a tensor, turns it into fp32 outside the heap, unmaps it. Each tensor goes into the
 * model's digest on its way, so that hashing costs no second read.
 */
final class WeightReader {
    private final Checkpoint checkpoint;
    private final ModelDigest digest;
    private final Lanes lanes;

    WeightReader(Checkpoint checkpoint, ModelDigest digest, Lanes lanes) {
        this.checkpoint = checkpoint;
        this.digest = digest;
        this.lanes = lanes;
    }

    /** Memory for the tensors of any one layer; vectors have one row. All layers have the same shapes. */
    Map<TensorRole, DenseMatrix> allocateLayer(Arena arena) {
        Map<TensorRole, DenseMatrix> tensors = new EnumMap<>(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            if (role.inLayer()) {
                checkpoint.tensor(role, 0).ifPresent(info -> tensors.put(role, allocate(info, arena)));
            }
        }
        return tensors;
    }

    /** Reads a layer into memory that {@link #allocateLayer} gave. */
    void layer(int layer, Map<TensorRole, DenseMatrix> tensors) throws IOException {
        TensorRole[] roles = tensors.keySet().toArray(TensorRole[]::new);
        lanes.forEach(
                roles.length,
                (lane, i) -> read(checkpoint.tensor(roles[i], layer).orElseThrow(), 0, tensors.get(roles[i])));
    }

    /** A tensor outside the layers, whole. */
    DenseMatrix whole(TensorInfo info, Arena arena) throws IOException {
        DenseMatrix matrix = allocate(info, arena);
        read(info, 0, matrix);
        return matrix;
    }

    /** Rows {@code [first, first + target.rows())} of a tensor into {@code target}. Rows must be asked for in order. */
    void rows(TensorInfo info, int first, DenseMatrix target) throws IOException {
        read(info, first, target);
    }

    /** Takes a tensor into the digest that is otherwise read only in part. */
    void digestOnly(TensorInfo info) throws IOException {
        try (Arena mapping = Arena.ofShared()) {
            digest.update(info, checkpoint.map(info, 0, info.rows(), mapping));
        }
    }

    /** One row, outside the order of the digest: an embedding that a token needs. */
    void row(TensorInfo info, int row, MemorySegment target, long targetOffset) throws IOException {
        try (Arena mapping = Arena.ofShared()) {
            MemorySegment stored = checkpoint.map(info, row, 1, mapping);
            info.format().decode(stored, 0, info.shape().getLast(), target, targetOffset);
        }
    }

    private void read(TensorInfo info, long firstRow, DenseMatrix target) throws IOException {
        try (Arena mapping = Arena.ofShared()) {
            MemorySegment stored = checkpoint.map(info, firstRow, target.rows(), mapping);
            info.format().decode(stored, 0, target.size(), target.data(), 0);
            digest.update(info, stored);
        }
    }

    private static DenseMatrix allocate(TensorInfo info, Arena arena) {
        int columns = Math.toIntExact(info.shape().getLast());
        int rows = Math.toIntExact(info.size() / Math.max(1, columns));
        return new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
    }
}
