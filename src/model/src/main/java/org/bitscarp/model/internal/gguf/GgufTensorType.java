package org.bitscarp.model.internal.gguf;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredBlocks;
import org.bitscarp.quant.StoredFormat;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;

/**
 * A tensor type of GGUF: {@code ggml_type} in llama.cpp's {@code ggml.h}, sizes from {@code ggml-common.h}.
 *
 * @param id number in the file
 * @param name name in messages, as ggml spells it
 * @param blockLength values of a block; rows are a multiple of it
 * @param blockBytes bytes of a block
 * @param stored how to read it as numbers; null for integers and for types that ggml has for activations only
 */
public record GgufTensorType(int id, String name, int blockLength, int blockBytes, StoredFormat stored) {
    public static final GgufTensorType F32 = new GgufTensorType(0, "F32", NumberFormat.FP32);

    private static final Map<Integer, GgufTensorType> TYPES = Stream.concat(
                    Stream.of(
                            F32,
                            new GgufTensorType(1, "F16", NumberFormat.FP16),
                            new GgufTensorType(28, "F64", NumberFormat.FP64),
                            new GgufTensorType(30, "BF16", NumberFormat.BF16),
                            new GgufTensorType(9, "Q8_1", 32, 36, null),
                            new GgufTensorType(15, "Q8_K", 256, 292, null),
                            new GgufTensorType(24, "I8", 1, 1, null),
                            new GgufTensorType(25, "I16", 1, 2, null),
                            new GgufTensorType(26, "I32", 1, 4, null),
                            new GgufTensorType(27, "I64", 1, 8, null)),
                    GgmlTypes.ALL.stream().map(GgufTensorType::new))
            .collect(Collectors.toUnmodifiableMap(GgufTensorType::id, Function.identity()));

    private GgufTensorType(int id, String name, NumberFormat format) {
        this(id, name, 1, format.bytes(), format);
    }

    private GgufTensorType(GgmlFormat format) {
        this(
                format.id(),
                format.name().toUpperCase(Locale.ROOT),
                format.blockLength(),
                format.blockBytes(),
                new StoredBlocks(format, format.blockLength()));
    }

    static Optional<GgufTensorType> of(int id) {
        return Optional.ofNullable(TYPES.get(id));
    }

    /** The type that stores a format's blocks; empty for a format that GGUF files do not have. */
    public static Optional<GgufTensorType> of(BlockFormat format) {
        return switch (format) {
            case GgmlFormat blocks -> of(blocks.id());
            case FloatFormat floats ->
                TYPES.values().stream()
                        .filter(type -> type.stored == floats.number())
                        .findFirst();
            default -> Optional.empty();
        };
    }

    Optional<StoredFormat> format() {
        return Optional.ofNullable(stored);
    }

    /**
     * Bytes of a tensor.
     *
     * @param shape outermost first
     * @throws ArithmeticException where rows are no whole number of blocks or the size passes 2^63 − 1
     */
    long bytes(List<Long> shape) {
        long rowLength = shape.isEmpty() ? 1 : shape.getLast();
        if (rowLength % blockLength != 0) {
            throw new ArithmeticException(
                    "rows of " + rowLength + " are not a whole number of blocks of " + blockLength);
        }
        if (shape.contains(0L)) {
            return 0;
        }
        long values = shape.stream().reduce(1L, Math::multiplyExact);
        return Math.multiplyExact(values / blockLength, (long) blockBytes);
    }

    @Override
    public String toString() {
        return name;
    }
}
