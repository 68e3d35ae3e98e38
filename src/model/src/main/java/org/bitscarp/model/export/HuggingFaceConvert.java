package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsWriter;
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
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.NumberFormat;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a GGUF file or a llama2.c checkpoint as a Hugging Face folder without rounding anything: plain numbers keep their
 * type, blocks become fp32 where that is asked for. A GGUF file has its norms and biases in fp32 whatever they were; they
 * return to the type of the matrices where that holds every one of their values.
 */
public final class HuggingFaceConvert {
    /** Matrices are copied in pieces of so many weights. */
    private static final long CHUNK_WEIGHTS = 1 << 22;

    private final Checkpoint source;
    private final boolean dequantize;
    private final List<Unit> units = new ArrayList<>();
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
            throw new ModelException(source.path() + ": is a Hugging Face folder already; name a FILE.gguf, or the"
                    + " version of a GPTQ folder (--gptq-format)");
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
            folder.json("tokenizer_config.json", TokenizerJsonWriter.config(tables, spec.maxPositions()));
            long bytes = new SafetensorsShards(units, shardBytes).write(folder).bytes();
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
        List<Unit> vectors = new ArrayList<>();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? source.spec().layers() : 1); layer++) {
                Weight weight = source.weight(role, layer).orElse(null);
                if (weight != null) {
                    for (Unit unit : units(layout, role, layer, weight)) {
                        boolean small = weight.shape().size() < 2 || role == TensorRole.ROUTER;
                        (small ? vectors : units).add(unit);
                        if (!small) {
                            sizes.merge(unit.type, weight.size(), Long::sum);
                        }
                    }
                }
            }
        }
        for (Unit vector : vectors) {
            units.add(vector.type == NumberFormat.FP32 && vector.fits(usual()) ? vector.as(usual()) : vector);
        }
    }

    private List<Unit> units(TensorLayout layout, TensorRole role, int layer, Weight weight) throws ModelException {
        Placement placement = layout.placement(role, layer)
                .orElseThrow(() -> new ModelException(source.path() + ": " + weight.name() + " (" + role
                        + ") has no place in the Hugging Face folder of such a model"));
        String name = layout.name(layout.prefixes().getFirst(), role, layer, placement);
        NumberFormat type = type(weight);
        return switch (placement) {
            case Placement.Plain plain -> List.of(new Unit(name, weight, 0, weight.rows(), type));
            case Placement.Linear linear -> List.of(new Unit(name + ".weight", weight, 0, weight.rows(), type));
            case Placement.Experts experts -> {
                int count = source.spec().mlp().experts();
                long rows = weight.rows() / count;
                List<Unit> units = new ArrayList<>();
                for (int expert = 0; expert < count; expert++) {
                    String module = name.replace("{expert}", Integer.toString(expert));
                    units.add(new Unit(module + ".weight", weight, expert * rows, rows, type));
                }
                yield units;
            }
            default ->
                throw new ModelException(source.path() + ": " + weight.name() + " (" + role
                        + ") is stored in another way in Hugging Face folders, which is not written");
        };
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

    /** Rows of a weight that become a tensor. */
    private record Unit(String name, Weight weight, long firstRow, long rows, NumberFormat type)
            implements SafetensorsShards.Unit {
        Unit as(NumberFormat other) {
            return new Unit(name, weight, firstRow, rows, other);
        }

        private List<Long> shape() {
            return weight.shape().size() < 2 ? weight.shape() : List.of(rows, weight.columns());
        }

        private BlockFormat blocks() {
            return switch (type) {
                case FP16 -> FloatFormat.FP16;
                case BF16 -> FloatFormat.BF16;
                default -> FloatFormat.FP32;
            };
        }

        /** Whether a type holds all values. */
        boolean fits(NumberFormat other) throws IOException {
            try (Arena arena = Arena.ofShared()) {
                long values = rows * weight.columns();
                MemorySegment wide = arena.allocate(4 * values, 64);
                weight.read(firstRow, rows, wide, 0);
                MemorySegment narrow =
                        StoredRows.bytes(weight, firstRow, rows, as(other).blocks(), arena);
                MemorySegment back = arena.allocate(4 * values, 64);
                other.decode(narrow, 0, values, back, 0);
                return wide.mismatch(back) < 0;
            }
        }

        @Override
        public List<SafetensorsWriter.Tensor> tensors() {
            return List.of(new SafetensorsWriter.Tensor(name, type, shape()));
        }

        @Override
        public void write(SafetensorsWriter writer) throws IOException {
            long step = Math.max(1, CHUNK_WEIGHTS / weight.columns());
            for (long row = 0; row < rows; row += step) {
                long count = Math.min(step, rows - row);
                try (Arena arena = Arena.ofShared()) {
                    writer.write(name, StoredRows.bytes(weight, firstRow + row, count, blocks(), arena));
                }
            }
        }
    }
}
