package org.bitscarp.eval.engine;

import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.TensorRole;

/**
 * A feed-forward block of experts (Shazeer et al. 2017; Mixtral, arXiv 2401.04088, section 2.1): each token goes to the
 * few experts that a linear router scores highest, and gets the mean of their outputs, weighted by the router's softmax.
 * Tokens are gathered expert by expert, so that each expert's maps are read once and only for its own tokens. The order is
 * fixed: experts from 0 on, tokens as in the text.
 */
final class RoutedMlp {
    private final Backend backend;
    private final MlpSpec mlp;

    RoutedMlp(Backend backend, MlpSpec mlp) {
        this.backend = backend;
        this.mlp = mlp;
    }

    /** The block's output for {@code in}, which stays as it is. */
    Tensor run(LayerWeights w, Tensor in, Workspace space, DecoderLayer.Tap tap) {
        Routing routing = route(w, in, space);
        Tensor out = space.routed(in.rows());
        backend.clear(out);
        for (int expert = 0; expert < mlp.experts(); expert++) {
            int[] rows = routing.rows(expert);
            if (rows.length > 0) {
                tap.route(expert, rows);
                Tensor gathered = space.gathered(rows.length);
                backend.gatherRows(in, rows, gathered);
                backend.addScaledRows(out, rows, routing.weights(expert), expert(expert, w, gathered, space, tap));
            }
        }
        return out;
    }

    private Routing route(LayerWeights w, Tensor in, Workspace space) {
        Tensor logits = space.routerLogits(in.rows());
        backend.matmul(in, w.get(TensorRole.ROUTER), logits);
        MemorySegment host = space.routerHost();
        backend.download(logits, host);
        return Routing.of(host, in.rows(), mlp);
    }

    /** One expert on its tokens; overwrites {@code in} with the result. */
    private Tensor expert(int expert, LayerWeights w, Tensor in, Workspace space, DecoderLayer.Tap tap) {
        int width = mlp.expertWidth();
        tap.see(TensorRole.EXPERT_UP, expert, in);
        Tensor up = space.up(in.rows(), width);
        Tensor gate = space.gate(in.rows(), width);
        map(w, TensorRole.EXPERT_UP, expert).multiply(in, up);
        map(w, TensorRole.EXPERT_GATE, expert).multiply(in, gate);
        backend.activateMultiply(mlp.activation(), gate, up);
        tap.see(TensorRole.EXPERT_DOWN, expert, gate);
        map(w, TensorRole.EXPERT_DOWN, expert).multiply(gate, in);
        return in;
    }

    private LinearMap map(LayerWeights w, TensorRole role, int expert) {
        return w.map(backend, role, expert, mlp.experts());
    }
}
