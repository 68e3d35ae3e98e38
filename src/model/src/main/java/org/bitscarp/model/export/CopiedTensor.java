package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Set;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.quant.NumberFormat;

/** A tensor of plain numbers that goes from one folder into another byte for byte. */
record CopiedTensor(Checkpoint source, TensorInfo tensor) implements SafetensorsShards.Unit {
    private static final long CHUNK = 64 << 20;

    /** What a folder holds besides the tensors of some modules that were packed, or will be; their biases are left. */
    static List<TensorInfo> besides(Checkpoint source, Set<String> modules) {
        return source.tensors().stream()
                .filter(tensor -> tensor.name().endsWith(".bias") || !inside(tensor.name(), modules))
                .toList();
    }

    private static boolean inside(String tensor, Set<String> modules) {
        for (int dot = tensor.indexOf('.'); dot >= 0; dot = tensor.indexOf('.', dot + 1)) {
            if (modules.contains(tensor.substring(0, dot))) {
                return true;
            }
        }
        return false;
    }

    @Override
    public List<SafetensorsWriter.Tensor> tensors() {
        return List.of(new SafetensorsWriter.Tensor(tensor.name(), (NumberFormat) tensor.format(), tensor.shape()));
    }

    @Override
    public void write(SafetensorsWriter writer) throws IOException {
        long rows = Math.max(1, CHUNK / Math.max(1, tensor.rowBytes()));
        for (long row = 0; row < tensor.rows(); row += rows) {
            try (Arena arena = Arena.ofShared()) {
                writer.write(tensor.name(), source.map(tensor, row, Math.min(rows, tensor.rows() - row), arena));
            }
        }
    }
}
