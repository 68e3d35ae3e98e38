package org.bitscarp.eval.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;

/** The tensors one lane needs for a layer's forward pass over a unit, allocated once for the largest unit. */
final class Workspace implements AutoCloseable {
    private final TensorMemory memory;
    private final Arena arena = Arena.ofShared();
    private final Tensor x;
    private final Tensor normed;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final Tensor mixed;
    private final Tensor gate;
    private final Tensor up;
    private final Tensor parallel;
    private final Tensor reference;
    /** A unit's hidden states on the host, on their way to or from the backend. */
    final MemorySegment host;

    Workspace(Backend backend, DecoderSpec spec, int rows) {
        memory = backend.newMemory();
        x = memory.allocate(rows, spec.hidden());
        normed = memory.allocate(rows, spec.hidden());
        AttentionSpec attention = spec.attention();
        q = memory.allocate(rows, attention.heads() * attention.headDim());
        k = memory.allocate(rows, attention.kvHeads() * attention.headDim());
        v = memory.allocate(rows, attention.kvHeads() * attention.headDim());
        mixed = memory.allocate(rows, attention.heads() * attention.headDim());
        gate = memory.allocate(rows, spec.mlp().width());
        up = memory.allocate(rows, spec.mlp().width());
        parallel = parallel(spec) ? memory.allocate(rows, spec.hidden()) : null;
        reference = memory.allocate(rows, spec.hidden());
        host = arena.allocate(4L * rows * spec.hidden(), 64);
    }

    /** Bytes that a workspace of this size takes. */
    static long bytes(DecoderSpec spec, int rows) {
        AttentionSpec attention = spec.attention();
        long columns = (parallel(spec) ? 5L : 4L) * spec.hidden()
                + 2L * (attention.heads() + attention.kvHeads()) * attention.headDim()
                + 2L * spec.mlp().width();
        return 4 * columns * rows;
    }

    private static boolean parallel(DecoderSpec spec) {
        return spec.residual() == DecoderSpec.Residual.PARALLEL;
    }

    Tensor x(int rows) {
        return x.slice(0, rows);
    }

    Tensor normed(int rows) {
        return normed.slice(0, rows);
    }

    Tensor q(int rows) {
        return q.slice(0, rows);
    }

    Tensor k(int rows) {
        return k.slice(0, rows);
    }

    Tensor v(int rows) {
        return v.slice(0, rows);
    }

    Tensor mixed(int rows) {
        return mixed.slice(0, rows);
    }

    Tensor gate(int rows) {
        return gate.slice(0, rows);
    }

    Tensor up(int rows) {
        return up.slice(0, rows);
    }

    /** The second norm of parallel blocks. */
    Tensor parallel(int rows) {
        return parallel.slice(0, rows);
    }

    Tensor reference(int rows) {
        return reference.slice(0, rows);
    }

    @Override
    public void close() {
        memory.close();
        arena.close();
    }
}
