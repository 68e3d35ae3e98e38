package org.bitscarp.eval.engine;

import org.bitscarp.compute.AttentionShape;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.Rope;
import org.bitscarp.model.TensorRole;

/**
 * The forward pass of one decoder layer (Touvron et al. 2023): x += O·attention(norm(x)); x += D·(silu(G·n)·U·n), n =
 * norm(x). Stateless but for the rotation table; lanes share it.
 */
final class DecoderLayer {
    private final Backend backend;
    private final DecoderSpec spec;
    private final Tensor cos;
    private final Tensor sin;

    /**
     * @param memory that the rotation table lives in
     * @param longest tokens in the longest window
     */
    DecoderLayer(Backend backend, DecoderSpec spec, int longest, TensorMemory memory) {
        this.backend = backend;
        this.spec = spec;
        int half = spec.headDim() / 2;
        cos = memory.allocate(longest, half);
        sin = memory.allocate(longest, half);
        Rope rope = spec.rope();
        HostFloats.upload(
                backend,
                cos,
                (position, i) -> rope.attentionFactor() * Math.cos(position * rope.inverseFrequencies()[i]));
        HostFloats.upload(
                backend,
                sin,
                (position, i) -> rope.attentionFactor() * Math.sin(position * rope.inverseFrequencies()[i]));
    }

    /** Is shown the input of each linear map: once for maps that share theirs, under the first one's role. */
    @FunctionalInterface
    interface Tap {
        void see(TensorRole role, Tensor input);

        /** Looks away. */
        Tap NONE = (role, input) -> {};
    }

    /** Runs the layer on {@code x}, in place, in windows of {@code length} rows. */
    void forward(LayerWeights w, Tensor x, int length, Workspace space, Tap tap) {
        int rows = x.rows();
        Tensor normed = space.normed(rows);
        backend.rmsNorm(x, w.get(TensorRole.ATTENTION_NORM), spec.normEpsilon(), normed);
        tap.see(TensorRole.QUERY, normed);
        Tensor q = linear(w, TensorRole.QUERY, TensorRole.QUERY_BIAS, normed, space.q(rows));
        Tensor k = linear(w, TensorRole.KEY, TensorRole.KEY_BIAS, normed, space.k(rows));
        Tensor v = linear(w, TensorRole.VALUE, TensorRole.VALUE_BIAS, normed, space.v(rows));
        Tensor c = cos.slice(0, length);
        Tensor s = sin.slice(0, length);
        backend.rope(q, c, s, spec.rope().interleaved());
        backend.rope(k, c, s, spec.rope().interleaved());
        Tensor mixed = space.mixed(rows);
        AttentionShape shape = new AttentionShape(length, spec.heads(), spec.kvHeads(), spec.headDim());
        backend.attention(q, k, v, shape, mixed);
        tap.see(TensorRole.OUTPUT, mixed);
        backend.add(x, linear(w, TensorRole.OUTPUT, TensorRole.OUTPUT_BIAS, mixed, normed));

        backend.rmsNorm(x, w.get(TensorRole.MLP_NORM), spec.normEpsilon(), normed);
        tap.see(TensorRole.GATE, normed);
        Tensor gate = linear(w, TensorRole.GATE, TensorRole.GATE_BIAS, normed, space.gate(rows));
        Tensor up = linear(w, TensorRole.UP, TensorRole.UP_BIAS, normed, space.up(rows));
        backend.siluMultiply(gate, up);
        tap.see(TensorRole.DOWN, gate);
        backend.add(x, linear(w, TensorRole.DOWN, TensorRole.DOWN_BIAS, gate, normed));
    }

    private Tensor linear(LayerWeights w, TensorRole role, TensorRole bias, Tensor in, Tensor out) {
        backend.matmul(in, w.get(role), out);
        if (w.has(bias)) {
            backend.addBias(out, w.get(bias));
        }
        return out;
    }
}
