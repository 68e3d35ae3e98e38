package org.bitscarp.model.export;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.gguf.GgufTensorType;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredBlocks;
import org.bitscarp.quant.StoredFormat;
import org.bitscarp.quant.ggml.GgufMix;

/**
 * Which block type each matrix of a GGUF file gets. Vectors, norms, routers and learned positions are fp32 always and are
 * not listed.
 *
 * @param types by name of the tensor
 * @param fallbacks tensors whose rows are no whole number of blocks of the type that the rule names: that type
 */
public record GgufTypes(Map<String, BlockFormat> types, Map<String, BlockFormat> fallbacks) {
    public static final String EMBEDDING = "token_embd.weight";
    public static final String OUTPUT = "output.weight";

    /** The token embedding's. */
    public BlockFormat embedding() {
        return types.get(EMBEDDING);
    }

    /** The output projection's, which is the embedding's where a file has no other table. */
    public BlockFormat output() {
        return types.getOrDefault(OUTPUT, embedding());
    }

    /** Chooses a type for a matrix. */
    @FunctionalInterface
    public interface Rule {
        BlockFormat of(GgufTensorShape tensor);
    }

    /** Whether GGUF files have such a type. */
    public static boolean has(BlockFormat format) {
        return GgufTensorType.of(format).isPresent();
    }

    /** A rule's types, each replaced where its blocks do not fit ({@link WidthFallback}). */
    public static GgufTypes of(GgufModel model, Rule rule) {
        Map<String, BlockFormat> types = new LinkedHashMap<>();
        Map<String, BlockFormat> fallbacks = new LinkedHashMap<>();
        for (GgufTensorShape tensor : model.tensors()) {
            if (tensor.quantizable()) {
                BlockFormat wanted = rule.of(tensor);
                BlockFormat fitting = WidthFallback.of(wanted, tensor.columns());
                types.put(tensor.name(), fitting);
                if (!fitting.equals(wanted)) {
                    fallbacks.put(tensor.name(), wanted);
                }
            }
        }
        return new GgufTypes(types, fallbacks);
    }

    /** A rule with other types for embedding and output projection. */
    public static Rule with(Rule rule, Optional<BlockFormat> embedding, Optional<BlockFormat> output) {
        return tensor -> switch (tensor.name()) {
            case EMBEDDING -> embedding.orElseGet(() -> rule.of(tensor));
            case OUTPUT -> output.orElseGet(() -> rule.of(tensor));
            default -> rule.of(tensor);
        };
    }

    /** One of llama.cpp's mixes. */
    public static Rule mix(GgufModel model, GgufMix mix, boolean importances) {
        Map<String, BlockFormat> types = GgufMixRules.types(mix, importances, model.facts(), model.tensors());
        return tensor -> types.get(tensor.name());
    }

    /**
     * Linear maps in one format; embedding and output projection as a sweep keeps them: in their own type, but at most 16
     * bits, unless the format is one of plain numbers.
     */
    public static Rule level(GgufModel model, BlockFormat format) {
        return tensor -> {
            TensorRole role = model.parts(tensor.name()).getFirst().role();
            boolean table = tensor.name().equals(EMBEDDING) || tensor.name().equals(OUTPUT);
            return table && role != null && format.fitted() ? own(model, tensor) : format;
        };
    }

    private static BlockFormat own(GgufModel model, GgufTensorShape tensor) {
        Weight weight = model.parts(tensor.name()).getFirst().weight();
        return stored(weight).filter(f -> weight.bitsPerValue() <= 16).orElse(FloatFormat.FP16);
    }

    /** The type that holds a weight without a change of any value; empty where GGUF has none. */
    static Optional<BlockFormat> stored(Weight weight) {
        if (weight.format().isPresent()) {
            return stored(weight.format().get());
        }
        // Plain numbers that lie transposed: they can only be read, and go back into their type exactly.
        return Arrays.stream(NumberFormat.values())
                .filter(number -> number.name().equals(weight.formatName()))
                .findFirst()
                .flatMap(GgufTypes::stored);
    }

    private static Optional<BlockFormat> stored(StoredFormat format) {
        return switch (format) {
            case StoredBlocks blocks -> Optional.of(blocks.format()).filter(GgufTypes::has);
            case NumberFormat number ->
                switch (number) {
                    case FP32 -> Optional.of(FloatFormat.FP32);
                    case FP16 -> Optional.of(FloatFormat.FP16);
                    case BF16 -> Optional.of(FloatFormat.BF16);
                    case FP8_E4M3, FP8_E5M2 -> Optional.of(FloatFormat.BF16);
                    default -> Optional.empty();
                };
        };
    }
}
