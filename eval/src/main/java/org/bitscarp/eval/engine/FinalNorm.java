package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;

/** The norm between the last layer and the output projection; passes rows through where the model has none. */
final class FinalNorm {
    private final Backend backend;
    private final NormSpec norm;
    private final Tensor gain;
    private final Tensor bias;

    /** @param memory that the norm's weights live in */
    FinalNorm(Backend backend, Checkpoint checkpoint, WeightReader reader, TensorMemory memory) throws IOException {
        this.backend = backend;
        norm = checkpoint.spec().norm();
        gain = load(TensorRole.FINAL_NORM, checkpoint, reader, memory);
        bias = load(TensorRole.FINAL_NORM_BIAS, checkpoint, reader, memory);
    }

    private Tensor load(TensorRole role, Checkpoint checkpoint, WeightReader reader, TensorMemory memory)
            throws IOException {
        if (checkpoint.weight(role, 0).isEmpty()) {
            return null;
        }
        try (Arena arena = Arena.ofConfined()) {
            DenseMatrix values = reader.whole(role, arena);
            Tensor tensor = memory.allocate(1, values.columns());
            backend.upload(values.data(), tensor);
            return tensor;
        }
    }

    /** Norms rows of {@code x}; returns where the result is: {@code y}, or {@code x} itself. */
    Tensor apply(Tensor x, Tensor y) {
        if (gain == null) {
            return x;
        }
        if (norm.kind() == NormSpec.Kind.LAYER) {
            backend.layerNorm(x, gain, bias, norm.epsilon(), y);
        } else {
            backend.rmsNorm(x, gain, norm.epsilon(), y);
        }
        return y;
    }
}
