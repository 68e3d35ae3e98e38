package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.HuggingFaceReader;
import org.bitscarp.model.internal.Json;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a Hugging Face folder whose linear maps are packed in GPTQ's layout: {@code model.safetensors}, or shards with an
 * index above 5 GB; {@code config.json} with {@code quantization_config}; {@code quantize_config.json}; tokenizer and
 * generation settings as they were. Everything that is not packed is copied byte for byte.
 *
 * <p>One map at a time is held in memory, packed. The folder appears when it is complete.
 */
public final class GptqExport {
    private final Checkpoint source;
    private final GptqPlan plan;
    private final Map<String, GroupedInt> packed = new LinkedHashMap<>();
    private final List<String> left = new ArrayList<>();
    private final List<SafetensorsShards.Unit> units = new ArrayList<>();
    private boolean ordered;
    private boolean head;
    private int copied;
    private long wrapped;

    private GptqExport(Checkpoint source, GptqPlan plan) {
        this.source = source;
        this.plan = plan;
    }

    /**
     * Writes {@code target}.
     *
     * @param source a Hugging Face folder, plain or quantized by anyone
     * @param target does not exist yet, or is an empty folder
     * @throws ModelException for a source that is no such folder, a target that is in use, or a map that the layout does not
     *     hold (inputs and outputs are multiples of 32, inputs of the group size)
     */
    public static GptqSummary write(Checkpoint source, Path target, GptqPlan plan) throws IOException {
        return write(source, target, plan, SafetensorsShards.SHARD_BYTES);
    }

    static GptqSummary write(Checkpoint source, Path target, GptqPlan plan, long shardBytes) throws IOException {
        GptqExport export = collected(source, plan);
        Path configFile = source.path().resolve(HuggingFaceReader.CONFIG);
        ObjectNode quantization = GptqConfig.of(plan, export.packed, export.left, export.ordered, export.head);
        ObjectNode config = Json.readObject(configFile, HuggingFaceReader.MAX_CONFIG_BYTES);
        config.set("quantization_config", quantization);
        if (export.unties()) {
            config.put("tie_word_embeddings", false);
        }
        try (HuggingFaceFolder folder = new HuggingFaceFolder(target)) {
            SafetensorsShards.Written written = new SafetensorsShards(export.units, shardBytes).write(folder);
            folder.json(HuggingFaceReader.CONFIG, config);
            folder.json("quantize_config.json", quantization);
            folder.copyCompanions(source.path());
            folder.finish();
            return new GptqSummary(
                    written.files(), written.bytes(), export.packed.size(), export.copied, export.wrapped);
        }
    }

    /**
     * Finds out whether {@link #write} would refuse, without writing anything.
     *
     * @throws ModelException as there
     */
    public static void check(Checkpoint source, Path target, GptqPlan plan) throws IOException {
        collected(source, plan);
        HuggingFaceFolder.requireFree(target);
    }

    private static GptqExport collected(Checkpoint source, GptqPlan plan) throws ModelException {
        Path configFile = source.path().resolve(HuggingFaceReader.CONFIG);
        if (!Files.isRegularFile(configFile)) {
            throw new ModelException(source.path() + ": " + source.container()
                    + " cannot be written as GPTQ, which needs a Hugging Face folder (" + HuggingFaceReader.CONFIG
                    + ")");
        }
        GptqExport export = new GptqExport(source, plan);
        export.collect();
        return export;
    }

    private void collect() throws ModelException {
        List<ExportTensor> maps = LinearMaps.of(source);
        for (ExportTensor map : maps) {
            Optional<GroupedInt> format = plan.packing().of(map);
            if (format.isPresent()) {
                pack(map, format.get());
            } else if (map.weight().tensor().isEmpty()) {
                throw new ModelException(source.path() + ": tensor " + map.name() + " is already packed as "
                        + map.weight().formatName() + " and cannot be copied into a GPTQ file; pack it too");
            } else if (map.role() != TensorRole.HEAD) {
                left.add(module(map.name()));
            }
        }
        if (packed.isEmpty()) {
            throw new ModelException(source.path() + ": no linear map is to be packed, so there is nothing to write");
        }
        for (TensorInfo tensor : CopiedTensor.besides(source, packed.keySet())) {
            units.add(unpacked(tensor));
            copied++;
        }
        if (unties()) {
            units.add(new Rewritten(GptqPlan.HEAD, plan.rewritten().get(GptqPlan.HEAD), NumberFormat.FP16));
        }
    }

    private boolean unties() {
        return plan.rewritten().containsKey(GptqPlan.HEAD)
                && source.tensors().stream().noneMatch(tensor -> tensor.name().equals(GptqPlan.HEAD));
    }

    private SafetensorsShards.Unit unpacked(TensorInfo tensor) {
        Weight rewritten = plan.rewritten().get(tensor.name());
        if (rewritten != null) {
            return new Rewritten(tensor.name(), rewritten, table(tensor) ? NumberFormat.FP16 : NumberFormat.FP32);
        }
        boolean halved = plan.halfTables() && table(tensor) && tensor.format().bitsPerValue() > 16;
        return halved ? new Halved(source, tensor) : new CopiedTensor(source, tensor);
    }

    private boolean table(TensorInfo tensor) {
        return Stream.of(TensorRole.EMBEDDING, TensorRole.HEAD)
                .flatMap(role -> source.tensor(role, 0).stream())
                .anyMatch(tensor::equals);
    }

    private static String module(String tensor) {
        return tensor.substring(0, tensor.length() - ".weight".length());
    }

    private void pack(ExportTensor map, GroupedInt format) throws ModelException {
        Optional<int[]> order = plan.order().of(map);
        GptqMatrix matrix = new GptqMatrix(map, format, order);
        ordered |= order.isPresent();
        head |= map.role() == TensorRole.HEAD;
        packed.put(module(map.name()), format);
        units.add(new SafetensorsShards.Unit() {
            @Override
            public List<SafetensorsWriter.Tensor> tensors() {
                return matrix.tensors();
            }

            @Override
            public void write(SafetensorsWriter writer) throws IOException {
                wrapped += matrix.write(plan.version(), plan.encoder(), writer);
            }
        });
    }

    /** A matrix rounded to fp16. */
    private record Halved(Checkpoint source, TensorInfo tensor) implements SafetensorsShards.Unit {
        private static final long WEIGHTS = 1 << 22;

        @Override
        public List<SafetensorsWriter.Tensor> tensors() {
            return List.of(new SafetensorsWriter.Tensor(tensor.name(), NumberFormat.FP16, tensor.shape()));
        }

        @Override
        public void write(SafetensorsWriter writer) throws IOException {
            int columns = Math.toIntExact(tensor.shape().getLast());
            long step = Math.max(1, WEIGHTS / columns);
            for (long row = 0; row < tensor.rows(); row += step) {
                int rows = (int) Math.min(step, tensor.rows() - row);
                try (Arena arena = Arena.ofShared()) {
                    DenseMatrix values = new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
                    tensor.format().decode(source.map(tensor, row, rows, arena), 0, values.size(), values.data(), 0);
                    writer.write(tensor.name(), halves(values, arena));
                }
            }
        }
    }

    private static MemorySegment halves(DenseMatrix values, Arena arena) {
        PackedMatrix packed = PackedMatrix.allocate(FloatFormat.FP16, values.rows(), values.columns(), arena);
        Solvers.RTN.prepare(values, null, packed).solve(0, values.rows(), new SolveStats());
        return packed.bytes();
    }

    /** Other values than the source has, in fp16 or fp32. */
    private record Rewritten(String name, Weight weight, NumberFormat format) implements SafetensorsShards.Unit {
        @Override
        public List<SafetensorsWriter.Tensor> tensors() {
            return List.of(new SafetensorsWriter.Tensor(name, format, weight.shape()));
        }

        @Override
        public void write(SafetensorsWriter writer) throws IOException {
            int columns = Math.toIntExact(weight.columns());
            long step = Math.max(1, Halved.WEIGHTS / columns);
            for (long row = 0; row < weight.rows(); row += step) {
                int rows = (int) Math.min(step, weight.rows() - row);
                try (Arena arena = Arena.ofShared()) {
                    DenseMatrix values = new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
                    weight.read(row, rows, values.data(), 0);
                    writer.write(name, format == NumberFormat.FP16 ? halves(values, arena) : values.data());
                }
            }
        }
    }
}
