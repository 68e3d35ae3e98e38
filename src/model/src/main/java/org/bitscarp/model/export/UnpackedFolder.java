package org.bitscarp.model.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.HuggingFaceReader;
import org.bitscarp.model.internal.Json;
import org.bitscarp.model.internal.architectures.Architectures;
import org.bitscarp.model.internal.architectures.Placement;
import org.bitscarp.model.internal.architectures.TensorLayout;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.quant.NumberFormat;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a folder whose linear maps some quantizer packed as one of plain numbers: the maps become the fp32 values that
 * they stand for, everything else is copied byte for byte.
 */
final class UnpackedFolder {
    private static final String WEIGHT = ".weight";

    private UnpackedFolder() {}

    /**
     * Writes {@code target}.
     *
     * @return size of the weights' files
     * @throws ModelException for a folder without packed maps, or one whose activations are rounded, too
     */
    static long write(Checkpoint source, Path target, long shardBytes) throws IOException {
        if (source.spec().activationBits() > 0) {
            throw new ModelException(source.path() + ": the model rounds activations to "
                    + source.spec().activationBits()
                    + " bits where its maps are packed, which a folder of plain numbers cannot say");
        }
        Path configFile = source.path().resolve(HuggingFaceReader.CONFIG);
        ObjectNode config = Json.readObject(configFile, HuggingFaceReader.MAX_CONFIG_BYTES);
        config.remove("quantization_config");
        config.put("dtype", "float32");
        config.put("torch_dtype", "float32");
        TensorLayout layout =
                Architectures.read(new ConfigFields(configFile, "", config)).layout();
        List<SafetensorsShards.Unit> units = new ArrayList<>();
        Set<String> modules = new LinkedHashSet<>();
        for (ExportTensor map : LinearMaps.of(source)) {
            if (map.weight().tensor().isEmpty()) {
                modules.add(map.name().substring(0, map.name().length() - WEIGHT.length()));
                units.add(plain(map, layout));
            }
        }
        if (modules.isEmpty()) {
            throw new ModelException(source.path() + ": is a Hugging Face folder of plain numbers already");
        }
        CopiedTensor.besides(source, modules).forEach(tensor -> units.add(new CopiedTensor(source, tensor)));
        try (HuggingFaceFolder folder = new HuggingFaceFolder(target)) {
            folder.json(HuggingFaceReader.CONFIG, config);
            folder.copyCompanions(source.path());
            long bytes = new SafetensorsShards(units, shardBytes).write(folder).bytes();
            Checkpoints.open(folder.file(".")).close();
            folder.finish();
            return bytes;
        }
    }

    private static FolderTensor plain(ExportTensor map, TensorLayout layout) {
        // GPT-2 has its maps as [in, out].
        boolean transposed = layout.placement(map.role(), map.layer()).orElseThrow() instanceof Placement.Columns;
        FolderTensor tensor =
                new FolderMatrix(map.name(), map.weight().rows(), map.weight().columns(), transposed);
        FolderTensor.Part part =
                new FolderTensor.Part(map.weight(), 0, map.weight().rows(), RowOrder.SAME);
        tensor.add(part, NumberFormat.FP32);
        return tensor;
    }
}
