package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;

/**
 * Writes a checkpoint as a GGUF file without rounding anything: matrices keep the type that they have, vectors are fp32 as
 * in every GGUF file. What GGUF has no type for is refused.
 */
public final class GgufConvert {
    private static final long CHUNK_WEIGHTS = 1 << 22;

    private GgufConvert() {}

    /**
     * Writes {@code target}.
     *
     * @param replace whether a file of that name may be replaced
     * @param program name and version, for the file
     * @return its size
     * @throws ModelException where a matrix would have to be quantized anew, naming it
     */
    public static long convert(GgufModel model, Path target, boolean replace, String program) throws IOException {
        Map<String, BlockFormat> types = new LinkedHashMap<>();
        for (GgufTensorShape tensor : model.tensors()) {
            if (tensor.quantizable()) {
                types.put(tensor.name(), type(model, tensor));
            }
        }
        BlockFormat usual = mostFrequent(model, types);
        GgufOutput.Origin origin = new GgufOutput.Origin(GgufFileTypes.of(usual), "as stored", program);
        try (GgufOutput output = new GgufOutput(model, new GgufTypes(types, Map.of()), origin, target, replace)) {
            for (GgufModel.Part part : model.parts()) {
                if (types.containsKey(part.tensor())) {
                    copy(model.source(), part, types.get(part.tensor()), output);
                }
            }
            output.finish();
            return output.size();
        }
    }

    private static BlockFormat type(GgufModel model, GgufTensorShape tensor) throws ModelException {
        BlockFormat common = null;
        for (GgufModel.Part part : model.parts(tensor.name())) {
            Weight weight = part.weight();
            BlockFormat own = GgufTypes.stored(weight)
                    .orElseThrow(() -> new ModelException(model.source().path() + ": " + weight.name()
                            + " is stored as " + weight.formatName()
                            + ", for which GGUF has no type; quantize the model instead of converting it"));
            if (common != null && !common.equals(own)) {
                throw new ModelException(model.source().path() + ": " + weight.name() + " is stored as " + own.name()
                        + " and goes into one tensor with weights stored as " + common.name()
                        + "; quantize the model instead of converting it");
            }
            common = own;
        }
        return common;
    }

    private static BlockFormat mostFrequent(GgufModel model, Map<String, BlockFormat> types) {
        Map<BlockFormat, Long> weights = new LinkedHashMap<>();
        for (GgufModel.Part part : model.parts()) {
            BlockFormat type = types.get(part.tensor());
            if (type != null) {
                weights.merge(type, part.weight().size(), Long::sum);
            }
        }
        return weights.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .orElseThrow()
                .getKey();
    }

    private static void copy(Checkpoint source, GgufModel.Part part, BlockFormat type, GgufOutput output)
            throws IOException {
        Weight weight = part.weight();
        // Whole heads, since some architectures reorder rows inside them.
        long heads = source.spec().attention().headDim();
        long step = Math.max(1, CHUNK_WEIGHTS / weight.columns() / heads) * heads;
        for (long row = 0; row < weight.rows(); row += step) {
            long rows = Math.min(step, weight.rows() - row);
            try (Arena arena = Arena.ofShared()) {
                output.write(part, row, rows, StoredRows.bytes(weight, row, rows, type, arena));
            }
        }
    }
}
