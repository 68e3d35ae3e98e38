package org.bitscarp.model.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.HuggingFaceReader;
import org.bitscarp.model.internal.TokenizerCheck;
import org.bitscarp.model.internal.TokenizerJsonWriter;
import org.bitscarp.model.internal.TokenizerSource;
import org.bitscarp.model.internal.TokenizerTables;
import org.bitscarp.model.internal.architectures.ConfigWriter;
import org.bitscarp.model.internal.architectures.Placement;
import org.bitscarp.model.internal.architectures.TensorLayout;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.quant.NumberFormat;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a GGUF file, a llama2.c checkpoint or a packed folder as a Hugging Face folder without rounding anything: plain
 * numbers keep their type, blocks become fp32 where that is asked for. A GGUF file has norms, biases, routers and positions in fp32 whatever
 * they were; they return to the type of the matrices where that holds every one of their values.
 */
public final class HuggingFaceConvert {
    private final Checkpoint source;
    private final boolean dequantize;
    private final Map<String, FolderTensor> tensors = new LinkedHashMap<>();
    private final Map<NumberFormat, Long> sizes = new EnumMap<>(NumberFormat.class);

    private HuggingFaceConvert(Checkpoint source, boolean dequantize) {
        this.source = source;
        this.dequantize = dequantize;
    }

    /**
     * Writes {@code target}.
     *
     * @param target does not exist yet, or is an empty folder
     * @param dequantize whether matrices of block types are written as the fp32 values that they stand for
     * @return size of the weights' files
     * @throws ModelException for an architecture, a type of a matrix or a tokenizer that cannot be written, naming it
     */
    public static long convert(Checkpoint source, Path target, boolean dequantize) throws IOException {
        return convert(source, target, dequantize, SafetensorsShards.SHARD_BYTES);
    }

    static long convert(Checkpoint source, Path target, boolean dequantize, long shardBytes) throws IOException {
        if (Files.isRegularFile(source.path().resolve(HuggingFaceReader.CONFIG))) {
            if (dequantize) {
                return UnpackedFolder.write(source, target, shardBytes);
            }
            throw new ModelException(
                    source.path() + ": is a Hugging Face folder already; name a FILE.gguf, the version of"
                            + " a GPTQ folder (--gptq-format) for grouped integers, or --dequantize for plain numbers in place"
                            + " of packed ones");
        }
        return new HuggingFaceConvert(source, dequantize).write(target, shardBytes);
    }

    private long write(Path target, long shardBytes) throws IOException {
        DecoderSpec spec = source.spec();
        ConfigWriter.Written written =
                ConfigWriter.write(source.path(), spec, has(TensorRole.OUTPUT_BIAS), has(TensorRole.DOWN_BIAS));
        collect(written.model().layout());
        TokenizerTables tables = TokenizerSource.read(source, spec.vocabulary());
        ObjectNode tokenizer = TokenizerJsonWriter.tokenizer(source.path(), tables);
        ObjectNode config = written.config();
        config.put("dtype", usualName());
        config.put("torch_dtype", usualName());
        id(config, "bos_token_id", tables.bos());
        id(config, "eos_token_id", tables.eos());
        try (HuggingFaceFolder folder = new HuggingFaceFolder(target)) {
            folder.json(HuggingFaceReader.CONFIG, config);
            folder.json("tokenizer.json", tokenizer);
            ObjectNode tokenizerConfig = TokenizerJsonWriter.config(tables, spec.maxPositions());
            TokenizerSource.chatTemplates(source.path()).put(tokenizerConfig);
            folder.json("tokenizer_config.json", tokenizerConfig);
            long bytes = new SafetensorsShards(List.copyOf(tensors.values()), shardBytes)
                    .write(folder)
                    .bytes();
            // Weights that the configuration asks for and the source lacks are noticed here.
            try (Checkpoint result = Checkpoints.open(folder.file("."));
                    Tokenizer original = source.tokenizer();
                    Tokenizer copy = result.tokenizer()) {
                TokenizerCheck.require(source.path(), "as a tokenizer.json", tables, original, copy);
            }
            folder.finish();
            return bytes;
        }
    }

    private boolean has(TensorRole role) {
        return source.anyLayer(role).isPresent();
    }

    private static void id(ObjectNode config, String key, int id) {
        if (id >= 0) {
            config.put(key, id);
        }
    }

    private void collect(TensorLayout layout) throws IOException {
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? source.spec().layers() : 1); layer++) {
                Weight weight = source.weight(role, layer).orElse(null);
                if (weight != null) {
                    place(layout, role, layer, weight);
                }
            }
        }
        for (FolderTensor tensor : tensors.values()) {
            tensor.requireWhole(source.path());
            if (tensor instanceof FolderVector vector && vector.type() == NumberFormat.FP32 && vector.fits(usual())) {
                vector.store(usual());
            }
        }
    }

    /** Puts a weight where the layout has it. */
    private void place(TensorLayout layout, TensorRole role, int layer, Weight weight) throws ModelException {
        Placement placement = layout.placement(role, layer)
                .orElseThrow(() -> new ModelException(source.path() + ": " + weight.name() + " (" + role
                        + ") has no place in the Hugging Face folder of such a model"));
        String name = layout.name(layout.prefixes().getFirst(), role, layer, placement);
        List<Long> shape = weight.shape();
        switch (placement) {
            case Placement.Plain plain -> table(name, role, weight, shape.getFirst(), 0, RowOrder.SAME);
            case Placement.Gain gain -> table(name, role, weight, shape.getFirst(), 1, RowOrder.SAME);
            case Placement.Rows rows -> table(name, role, weight, rows.stored(), 0, rows.order());
            case Placement.Linear linear -> map(name, weight, weight.rows(), false, RowOrder.SAME);
            case Placement.LinearRows rows -> map(name, weight, rows.stored(), false, rows.order());
            case Placement.Columns columns -> map(name, weight, columns.stored(), true, RowOrder.from(columns.first()));
            case Placement.Experts experts -> {
                int count = source.spec().mlp().experts();
                long rows = weight.rows() / count;
                for (int expert = 0; expert < count; expert++) {
                    String module = name.replace("{expert}", Integer.toString(expert));
                    add(
                            new FolderMatrix(module + ".weight", rows, weight.columns(), false),
                            new FolderTensor.Part(weight, expert * rows, rows, RowOrder.SAME));
                }
            }
        }
    }

    /** A vector or a table, a part of one included. */
    private void table(String name, TensorRole role, Weight weight, long stored, float shift, RowOrder order)
            throws ModelException {
        List<Long> shape = new ArrayList<>(weight.shape());
        FolderTensor.Part part = new FolderTensor.Part(weight, 0, shape.getFirst(), order);
        shape.set(0, stored);
        boolean small = shape.size() < 2 || role == TensorRole.ROUTER || role == TensorRole.POSITION_EMBEDDING;
        add(
                small ? new FolderVector(name, shape, shift) : new FolderMatrix(name, stored, weight.columns(), false),
                part);
    }

    /** A linear map, a part of one included. */
    private void map(String module, Weight weight, long stored, boolean transposed, RowOrder order)
            throws ModelException {
        add(
                new FolderMatrix(module + ".weight", stored, weight.columns(), transposed),
                new FolderTensor.Part(weight, 0, weight.rows(), order));
    }

    /** @param empty is taken where there is none of its name */
    private void add(FolderTensor empty, FolderTensor.Part part) throws ModelException {
        NumberFormat type = type(part.weight());
        tensors.computeIfAbsent(empty.name(), name -> empty).add(part, type);
        if (empty instanceof FolderMatrix) {
            sizes.merge(type, part.rows() * part.weight().columns(), Long::sum);
        }
    }

    private NumberFormat type(Weight weight) throws ModelException {
        if (weight.format().orElse(null) instanceof NumberFormat number
                && (number == NumberFormat.FP32 || number == NumberFormat.FP16 || number == NumberFormat.BF16)) {
            return number;
        }
        if (!dequantize) {
            throw new ModelException(source.path() + ": " + weight.name() + " is stored as " + weight.formatName()
                    + ", which a Hugging Face folder cannot hold; --dequantize writes such weights as fp32");
        }
        return NumberFormat.FP32;
    }

    /** The type of most weights in matrices. */
    private NumberFormat usual() {
        return sizes.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .orElseThrow()
                .getKey();
    }

    private String usualName() {
        return switch (usual()) {
            case FP16 -> "float16";
            case BF16 -> "bfloat16";
            default -> "float32";
        };
    }
}
