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
    private final Tensor routed;
    private final Tensor gathered;
    private final Tensor routerLogits;
    private final MemorySegment routerHost;
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
        gate = memory.allocate(rows, innerWidth(spec));
        up = memory.allocate(rows, innerWidth(spec));
        parallel = parallel(spec) ? memory.allocate(rows, spec.hidden()) : null;
        boolean experts = spec.mlp().experts() > 0;
        routed = experts ? memory.allocate(rows, spec.hidden()) : null;
        gathered = experts ? memory.allocate(rows, spec.hidden()) : null;
        routerLogits = experts ? memory.allocate(rows, spec.mlp().experts()) : null;
        routerHost = arena.allocate(4L * rows * spec.mlp().experts(), 64);
        reference = memory.allocate(rows, spec.hidden());
        host = arena.allocate(4L * rows * spec.hidden(), 64);
    }

    /** Bytes that a workspace of this size takes. */
    static long bytes(DecoderSpec spec, int rows) {
        AttentionSpec attention = spec.attention();
        int experts = spec.mlp().experts();
        long columns = (4L + (parallel(spec) ? 1 : 0) + (experts > 0 ? 2 : 0)) * spec.hidden()
                + 2L * (attention.heads() + attention.kvHeads()) * attention.headDim()
                + 2L * innerWidth(spec)
                + 2L * experts;
        return 4 * columns * rows;
    }

    /** Inner width of whichever layers the model has, dense or routed. */
    private static int innerWidth(DecoderSpec spec) {
        return Math.max(spec.mlp().width(), spec.mlp().expertWidth());
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

    /** @param width of the layer's feed-forward block, or of one expert */
    Tensor gate(int rows, int width) {
        return gate.reshape(rows, width);
    }

    /** @param width of the layer's feed-forward block, or of one expert */
    Tensor up(int rows, int width) {
        return up.reshape(rows, width);
    }

    /** What the experts' outputs are added up in. */
    Tensor routed(int rows) {
        return routed.slice(0, rows);
    }

    /** The tokens of one expert. */
    Tensor gathered(int rows) {
        return gathered.slice(0, rows);
    }

    Tensor routerLogits(int rows) {
        return routerLogits.slice(0, rows);
    }

    /** The router's logits on the host. */
    MemorySegment routerHost() {
        return routerHost;
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
