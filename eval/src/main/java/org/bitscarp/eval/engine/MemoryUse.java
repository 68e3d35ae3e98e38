package org.bitscarp.eval.engine;

import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;

/** What a sweep takes besides hidden states, computed before it is taken. */
final class MemoryUse {
    /** Formats in which an output projection can be wanted at a time: fp32, fp16, bf16. */
    private static final int HEAD_FORMATS = 3;

    private MemoryUse() {}

    /** Bytes outside the heap at the worse of the two stages, layers and vocabulary. */
    static long fixed(Checkpoint checkpoint, int unitRows, int lanes) {
        DecoderSpec spec = checkpoint.spec();
        long layer = 0;
        for (TensorRole role : TensorRole.values()) {
            if (role.inLayer()) {
                layer += 4 * checkpoint.anyLayer(role).map(Weight::size).orElse(0L);
            }
        }
        // As read, on the backend, and packed (at most half of fp32 for any level that is packed).
        long layers = layer * 5 / 2 + lanes * Workspace.bytes(spec, unitRows);
        return Math.max(layers, HeadScorer.bytes(spec, unitRows, lanes, HEAD_FORMATS));
    }
}
