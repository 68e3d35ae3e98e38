package org.bitscarp.eval.engine;

import org.bitscarp.compute.AttentionShape;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.TensorRole;

/**
 * The forward pass of one decoder layer: attention and feed-forward block on a residual stream, wired as the {@link
 * DecoderSpec} says, each optional step taken where the layer has the weight for it. Stateless but for the rotation
 * tables; lanes share it.
 */
final class DecoderLayer {
    private final Backend backend;
    private final DecoderSpec spec;
    final RotationTables rotations;
    private final RoutedMlp routed;

    /**
     * @param memory that the rotation tables live in
     * @param longest tokens in the longest window
     */
    DecoderLayer(Backend backend, DecoderSpec spec, int longest, TensorMemory memory) {
        this.backend = backend;
        this.spec = spec;
        rotations = new RotationTables(backend, spec, longest, memory);
        routed = new RoutedMlp(backend, spec.mlp());
    }

    /** Is shown the input of each linear map, under the role that {@link TensorRole#input} names, once for all that share it. */
    @FunctionalInterface
    interface Tap {
        /** @param expert whose input it is; 0 for a map that is not one of several */
        void see(TensorRole role, int expert, Tensor input);

        /** Is told before an expert is run which rows of {@code x} its inputs belong to. */
        default void route(int expert, int[] rows) {}

        /** Whether all that is wanted has been seen. The rest of the layer is then left out, and its output means nothing. */
        default boolean enough() {
            return false;
        }

        /** Looks away. */
        Tap NONE = (role, expert, input) -> {};
    }

    /** How queries meet keys and values: everything in attention that depends on positions. */
    @FunctionalInterface
    interface Mixing {
        /**
         * Rotates queries and keys of layer {@code layer} in place and writes each row's mix of values.
         *
         * @param length rows of each window
         */
        void mix(int layer, Tensor q, Tensor k, Tensor v, int length, Tensor mixed);
    }

    /** Windows that begin at position 0 and see nothing before it. */
    private void withinWindows(int layer, Tensor q, Tensor k, Tensor v, int length, Tensor mixed) {
        rotations.apply(spec.attention().rope(layer), 0, length, length, q, k);
        backend.attention(q, k, v, shape(spec, layer, length), mixed);
    }

    static AttentionShape shape(DecoderSpec spec, int layer, int length) {
        AttentionSpec a = spec.attention();
        return new AttentionShape(length, a.heads(), a.kvHeads(), a.headDim(), a.scale(), a.softCap(), a.window(layer));
    }

    /** Runs layer {@code layer} on {@code x}, in place, in windows of {@code length} rows. */
    void forward(int layer, LayerWeights w, Tensor x, int length, Workspace space, Tap tap) {
        forward(layer, w, x, length, space, tap, this::withinWindows);
    }

    /** The same with another way of {@code mixing}. */
    void forward(int layer, LayerWeights w, Tensor x, int length, Workspace space, Tap tap, Mixing mixing) {
        Tensor normed = space.normed(x.rows());
        switch (spec.residual()) {
            case SEQUENTIAL -> {
                norm(w, TensorRole.ATTENTION_NORM, TensorRole.ATTENTION_NORM_BIAS, x, normed);
                backend.add(x, attention(layer, w, normed, length, space, tap, mixing));
                if (tap.enough()) {
                    return;
                }
                norm(w, TensorRole.MLP_NORM, TensorRole.MLP_NORM_BIAS, x, normed);
                backend.add(x, mlp(w, normed, space, tap));
            }
            case PARALLEL -> {
                Tensor second = space.parallel(x.rows());
                norm(w, TensorRole.ATTENTION_NORM, TensorRole.ATTENTION_NORM_BIAS, x, normed);
                norm(w, TensorRole.MLP_NORM, TensorRole.MLP_NORM_BIAS, x, second);
                backend.add(x, attention(layer, w, normed, length, space, tap, mixing));
                if (tap.enough()) {
                    return;
                }
                backend.add(x, mlp(w, second, space, tap));
            }
            case POST_NORM -> {
                backend.add(x, attention(layer, w, x, length, space, tap, mixing));
                if (tap.enough()) {
                    return;
                }
                norm(w, TensorRole.ATTENTION_NORM, TensorRole.ATTENTION_NORM_BIAS, x, x);
                backend.add(x, mlp(w, x, space, tap));
                norm(w, TensorRole.MLP_NORM, TensorRole.MLP_NORM_BIAS, x, x);
            }
        }
    }

    /** What attention adds to the residual stream; {@code in} may be overwritten. */
    private Tensor attention(
            int layer, LayerWeights w, Tensor in, int length, Workspace space, Tap tap, Mixing mixing) {
        int rows = in.rows();
        round(in);
        tap.see(TensorRole.QUERY, 0, in);
        if (tap.enough()) {
            return in;
        }
        Tensor q = linear(w, TensorRole.QUERY, TensorRole.QUERY_BIAS, in, space.q(rows));
        Tensor k = linear(w, TensorRole.KEY, TensorRole.KEY_BIAS, in, space.k(rows));
        Tensor v = linear(w, TensorRole.VALUE, TensorRole.VALUE_BIAS, in, space.v(rows));
        headNorm(w, TensorRole.QUERY_NORM, q);
        headNorm(w, TensorRole.KEY_NORM, k);
        Tensor mixed = space.mixed(rows);
        mixing.mix(layer, q, k, v, length, mixed);
        optionalNorm(w, TensorRole.ATTENTION_SUB_NORM, mixed);
        round(mixed);
        tap.see(TensorRole.OUTPUT, 0, mixed);
        if (tap.enough()) {
            return in;
        }
        Tensor out = linear(w, TensorRole.OUTPUT, TensorRole.OUTPUT_BIAS, mixed, space.normed(rows));
        optionalNorm(w, TensorRole.ATTENTION_POST_NORM, out);
        return out;
    }

    /** What the feed-forward block adds to the residual stream; {@code in} may be overwritten. */
    private Tensor mlp(LayerWeights w, Tensor in, Workspace space, Tap tap) {
        round(in);
        Tensor out = w.has(TensorRole.ROUTER) ? routed.run(w, in, space, tap) : dense(w, in, space, tap);
        optionalNorm(w, TensorRole.MLP_POST_NORM, out);
        return out;
    }

    private Tensor dense(LayerWeights w, Tensor in, Workspace space, Tap tap) {
        int rows = in.rows();
        int width = spec.mlp().width();
        tap.see(TensorRole.UP, 0, in);
        if (tap.enough()) {
            return in;
        }
        Tensor up = linear(w, TensorRole.UP, TensorRole.UP_BIAS, in, space.up(rows, width));
        Tensor inner = up;
        if (w.has(TensorRole.GATE)) {
            inner = linear(w, TensorRole.GATE, TensorRole.GATE_BIAS, in, space.gate(rows, width));
            backend.activateMultiply(spec.mlp().activation(), inner, up);
        } else {
            backend.activate(spec.mlp().activation(), up);
        }
        optionalNorm(w, TensorRole.MLP_SUB_NORM, inner);
        round(inner);
        tap.see(TensorRole.DOWN, 0, inner);
        if (tap.enough()) {
            return in;
        }
        return linear(w, TensorRole.DOWN, TensorRole.DOWN_BIAS, inner, space.normed(rows));
    }

    private void norm(LayerWeights w, TensorRole gain, TensorRole bias, Tensor x, Tensor y) {
        if (spec.norm().kind() == NormSpec.Kind.LAYER) {
            backend.layerNorm(x, w.get(gain), w.get(bias), spec.norm().epsilon(), y);
        } else {
            backend.rmsNorm(x, w.get(gain), spec.norm().epsilon(), y);
        }
    }

    private void optionalNorm(LayerWeights w, TensorRole role, Tensor x) {
        if (w.has(role)) {
            backend.rmsNorm(x, w.get(role), spec.norm().epsilon(), x);
        }
    }

    /** Each head by itself, all with the same gains. */
    private void headNorm(LayerWeights w, TensorRole role, Tensor x) {
        int headDim = spec.attention().headDim();
        optionalNorm(w, role, x.reshape(x.rows() * (x.columns() / headDim), headDim));
    }

    private void round(Tensor x) {
        if (spec.activationBits() == 8) {
            backend.roundToInt8(x);
        }
    }

    private Tensor linear(LayerWeights w, TensorRole role, TensorRole bias, Tensor in, Tensor out) {
        w.map(backend, role).multiply(in, out);
        if (w.has(bias)) {
            backend.addBias(out, w.get(bias));
        }
        return out;
    }
}
