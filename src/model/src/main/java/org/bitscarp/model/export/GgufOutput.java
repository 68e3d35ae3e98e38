package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.gguf.GgufFileWriter;
import org.bitscarp.model.internal.gguf.GgufKeys;
import org.bitscarp.model.internal.gguf.GgufTensorType;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;

/**
 * A GGUF file while it is written. Packed rows of matrices come from outside, in any order, each row once; vectors and
 * constants are written at the end, when a model whose norms carry what was done to its maps knows them. The file gets its name when it is complete.
 */
public final class GgufOutput implements AutoCloseable {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** {@code GGML_QNT_VERSION}. */
    private static final int QUANTIZATION_VERSION = 2;

    /**
     * What else a file tells of itself.
     *
     * @param fileType {@code llama_ftype}: the number of the mix, or of the type that most matrices have
     * @param level how it was quantized, as Bitscarp writes levels
     * @param program name and version
     */
    public record Origin(int fileType, String level, String program) {}

    private final GgufModel model;
    /** Tensors whose rows come from outside. */
    private final Set<String> packed;

    private final Map<String, BlockFormat> types = new LinkedHashMap<>();
    private final GgufFileWriter writer;

    /**
     * @param replace whether a file of that name may be replaced
     * @throws ModelException where it may not, or where the disk has too little room
     */
    public GgufOutput(GgufModel model, GgufTypes types, Origin origin, Path target, boolean replace)
            throws IOException {
        this.model = model;
        packed = types.types().keySet();
        model.tensors().forEach(tensor -> this.types.put(tensor.name(), format(tensor, types)));
        writer = new GgufFileWriter(target, replace, keys(model, origin), tensors(model, types));
    }

    /** Bytes of the whole file that would be written. */
    public static long size(GgufModel model, GgufTypes types, Origin origin) {
        return GgufFileWriter.size(keys(model, origin), tensors(model, types));
    }

    /** Bytes that a tensor takes in a file with its padding. */
    public static long padded(long bytes) {
        return GgufFileWriter.aligned(bytes);
    }

    private static GgufKeys keys(GgufModel model, Origin origin) {
        return new GgufKeys(model.keys())
                .u32("general.file_type", origin.fileType)
                .u32("general.quantization_version", QUANTIZATION_VERSION)
                .string("general.quantized_by", origin.program)
                .string("bitscarp.level", origin.level);
    }

    private static List<GgufFileWriter.Tensor> tensors(GgufModel model, GgufTypes types) {
        List<GgufFileWriter.Tensor> tensors = new ArrayList<>();
        model.constants()
                .forEach((name, values) -> tensors.add(
                        new GgufFileWriter.Tensor(name, GgufTensorType.F32, List.of((long) values.length))));
        for (GgufTensorShape tensor : model.tensors()) {
            tensors.add(new GgufFileWriter.Tensor(tensor.name(), type(format(tensor, types)), tensor.shape()));
        }
        return tensors;
    }

    private static BlockFormat format(GgufTensorShape tensor, GgufTypes types) {
        return types.types().getOrDefault(tensor.name(), FloatFormat.FP32);
    }

    private static GgufTensorType type(BlockFormat format) {
        return GgufTensorType.of(format)
                .orElseThrow(() -> new IllegalArgumentException("GGUF files have no type for " + format.name()));
    }

    private void constants() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            for (Map.Entry<String, float[]> constant : model.constants().entrySet()) {
                MemorySegment bytes = arena.allocate(4L * constant.getValue().length);
                MemorySegment.copy(constant.getValue(), 0, bytes, FLOAT, 0, constant.getValue().length);
                writer.write(constant.getKey(), 0, bytes);
            }
        }
    }

    private void plain(GgufModel.Part part) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment values = arena.allocate(4 * part.weight().size());
            part.weight().read(0, part.weight().rows(), values, 0);
            for (long i = 0; i < part.weight().size(); i++) {
                values.setAtIndex(FLOAT, i, values.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i));
            }
            boolean vector = part.weight().shape().size() < 2;
            write(part, 0, vector ? part.weight().size() : part.weight().rows(), values);
        }
    }

    /** The type of a tensor. */
    public BlockFormat type(String tensor) {
        return types.get(tensor);
    }

    /**
     * Writes rows {@code [firstRow, firstRow + rows)} of a weight, packed in the type of its tensor. Queries and keys of
     * some architectures must come in whole heads, since their rows trade places inside these.
     *
     * @param packed {@code rows × rowBytes} bytes, in the row order of the weight
     */
    public void write(GgufModel.Part part, long firstRow, long rows, MemorySegment packed) throws IOException {
        long rowBytes = packed.byteSize() / rows;
        long at = (part.firstRow() + firstRow) * rowBytes;
        if (!model.family().reordered(part.role())) {
            writer.write(part.tensor(), at, packed);
            return;
        }
        int headDim = model.source().spec().attention().headDim();
        if (firstRow % headDim != 0 || rows % headDim != 0) {
            throw new IllegalArgumentException(part.tensor() + ": rows " + firstRow + " to " + (firstRow + rows)
                    + " are no whole heads of " + headDim);
        }
        RowOrder order = RowOrder.pairsToHalves(headDim);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment reordered = arena.allocate(packed.byteSize());
            for (long row = 0; row < rows; row++) {
                MemorySegment.copy(packed, row * rowBytes, reordered, order.stored(row) * rowBytes, rowBytes);
            }
            writer.write(part.tensor(), at, reordered);
        }
    }

    /** Size of the whole file. */
    public long size() {
        return writer.size();
    }

    /** Writes what is not packed, and moves the file into its place. */
    public void finish() throws IOException {
        constants();
        for (GgufModel.Part part : model.parts()) {
            if (!packed.contains(part.tensor())) {
                plain(part);
            }
        }
        writer.finish();
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
