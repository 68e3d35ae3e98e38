package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelDigest;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.DenseMatrix;

/**
 * Reads full-precision weights into fp32 outside the heap. Each weight goes into the model's digest on its way, so that
 * hashing costs no second read.
 */
final class WeightReader {
    /** Values that are decoded at a time where they are only wanted for the digest. */
    private static final long CHUNK = 1 << 22;

    private final Checkpoint checkpoint;
    private final Witness witness;
    private final Lanes lanes;

    /** Sees all that is read, in fp32. */
    @FunctionalInterface
    private interface Witness {
        void see(TensorRole role, int layer, MemorySegment values);
    }

    /** Feeds the digest on the way. */
    WeightReader(Checkpoint checkpoint, ModelDigest digest, Lanes lanes) {
        this(checkpoint, lanes, digest::update);
    }

    /** Reads what the digest has already seen. */
    WeightReader(Checkpoint checkpoint, Lanes lanes) {
        this(checkpoint, lanes, (role, layer, values) -> {});
    }

    private WeightReader(Checkpoint checkpoint, Lanes lanes, Witness witness) {
        this.checkpoint = checkpoint;
        this.lanes = lanes;
        this.witness = witness;
    }

    /** Memory for the weights of any one layer; vectors have one row. A role has the same shape in all layers. */
    Map<TensorRole, DenseMatrix> allocateLayer(Arena arena) {
        Map<TensorRole, DenseMatrix> weights = new EnumMap<>(TensorRole.class);
        allocateLayer(arena, weights);
        return weights;
    }

    /** Adds memory for what roles {@code weights} has none for, where another checkpoint of the same shape shares it. */
    void allocateLayer(Arena arena, Map<TensorRole, DenseMatrix> weights) {
        for (TensorRole role : TensorRole.values()) {
            if (role.inLayer()) {
                checkpoint
                        .anyLayer(role)
                        .ifPresent(weight -> weights.computeIfAbsent(role, r -> allocate(weight, arena)));
            }
        }
    }

    /** Reads a layer into memory that {@link #allocateLayer} gave; returns the roles that this layer has. */
    Set<TensorRole> layer(int layer, Map<TensorRole, DenseMatrix> targets) throws IOException {
        Set<TensorRole> present = EnumSet.noneOf(TensorRole.class);
        for (TensorRole role : targets.keySet()) {
            if (checkpoint.weight(role, layer).isPresent()) {
                present.add(role);
            }
        }
        TensorRole[] roles = present.toArray(TensorRole[]::new);
        lanes.forEach(roles.length, (lane, i) -> read(roles[i], layer, 0, targets.get(roles[i])));
        return present;
    }

    /** A weight outside the layers, whole. */
    DenseMatrix whole(TensorRole role, Arena arena) throws IOException {
        DenseMatrix matrix = allocate(outside(role), arena);
        read(role, 0, 0, matrix);
        return matrix;
    }

    /** Rows {@code [first, first + target.rows())} of a weight outside the layers. Rows must be asked for in order. */
    void rows(TensorRole role, int first, DenseMatrix target) throws IOException {
        read(role, 0, first, target);
    }

    /** Takes a weight outside the layers into the digest that is otherwise read only in part. */
    void digestOnly(TensorRole role) throws IOException {
        Weight weight = outside(role);
        long step = Math.max(1, CHUNK / weight.columns());
        try (Arena arena = Arena.ofShared()) {
            MemorySegment chunk = arena.allocate(4 * Math.min(step, weight.rows()) * weight.columns(), 64);
            for (long row = 0; row < weight.rows(); row += step) {
                long n = Math.min(step, weight.rows() - row);
                weight.read(row, n, chunk, 0);
                witness.see(role, 0, chunk.asSlice(0, 4 * n * weight.columns()));
            }
        }
    }

    /** One row, outside the order of the digest: an embedding that a token needs. */
    void row(TensorRole role, int row, MemorySegment target, long targetOffset) throws IOException {
        outside(role).read(row, 1, target, targetOffset);
    }

    private Weight outside(TensorRole role) {
        return checkpoint.weight(role, 0).orElseThrow();
    }

    private void read(TensorRole role, int layer, long firstRow, DenseMatrix target) throws IOException {
        checkpoint.weight(role, layer).orElseThrow().read(firstRow, target.rows(), target.data(), 0);
        witness.see(role, layer, target.data().asSlice(0, 4 * target.size()));
    }

    private static DenseMatrix allocate(Weight weight, Arena arena) {
        int columns = Math.toIntExact(weight.columns());
        int rows = Math.toIntExact(weight.rows());
        return new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
    }
}
