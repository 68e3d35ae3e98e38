package org.bitscarp.model.export;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.GroupedInt;

/**
 * What {@link GptqExport} writes and where it gets it from.
 *
 * @param version 1 (zero points stored less 1; what every program reads) or 2 ({@code gptq_v2}; stored as they are)
 * @param packing which linear maps are packed, and as what
 * @param order the order in which a quantizer went through the inputs, for maps where that was not from first to last
 * @param encoder gives packed rows, in {@code StoredBlocks} of the packing's format; asked for packed maps only
 * @param halfTables whether embedding and output projection become fp16 where they take more than 16 bits, as in a sweep;
 *     otherwise they are copied like everything that is not packed
 * @param rewritten what stands in tensors that are not packed instead of what the source has there, by name: matrices of
 *     the vocabulary in fp16, everything else in fp32
 * @param history what else the configuration files tell
 */
public record GptqPlan(
        int version,
        Packing packing,
        Order order,
        WeightEncoder encoder,
        boolean halfTables,
        Map<String, Weight> rewritten,
        History history) {
    /** Name of an output projection in a folder. */
    public static final String HEAD = "lm_head.weight";

    /** Which linear maps are packed. */
    @FunctionalInterface
    public interface Packing {
        /** The grid of a map: 2, 3, 4 or 8 bits in groups or rows. Empty for a map that is copied as it is stored. */
        Optional<GroupedInt> of(ExportTensor tensor);
    }

    /** Which inputs share a scale. */
    @FunctionalInterface
    public interface Order {
        /**
         * For each position in a packed row, the input that stands there; a permutation. Groups are runs of positions. Empty
         * where positions are inputs.
         */
        Optional<int[]> of(ExportTensor tensor);
    }

    /**
     * How a model was quantized, for the record: no reader's result depends on it.
     *
     * @param quantizer name and version, e.g. {@code bitscarp:0.1.0}
     * @param dampPercent GPTQ's damping as a share of the Hessian's mean diagonal
     * @param trueSequential whether each map of a layer saw the ones before it quantized
     * @param staticGroups whether scales were set before the first input was rounded
     */
    public record History(String quantizer, double dampPercent, boolean trueSequential, boolean staticGroups) {}

    public GptqPlan {
        if (version != 1 && version != 2) {
            throw new IllegalArgumentException("GPTQ files have version 1 or 2, found " + version);
        }
        Objects.requireNonNull(packing);
        Objects.requireNonNull(order);
        Objects.requireNonNull(encoder);
        rewritten = Map.copyOf(rewritten);
        Objects.requireNonNull(history);
    }

    /** Everything that is not packed is copied. */
    public GptqPlan(int version, Packing packing, Order order, WeightEncoder encoder, History history) {
        this(version, packing, order, encoder, false, Map.of(), history);
    }

    /** All linear maps of the layers in one format, inputs in order. */
    public static GptqPlan uniform(int version, GroupedInt format, WeightEncoder encoder, History history) {
        return new GptqPlan(
                version,
                tensor -> tensor.role().linear() ? Optional.of(format) : Optional.empty(),
                tensor -> Optional.empty(),
                encoder,
                history);
    }

    /** The same with embedding and output projection of at most 16 bits. */
    public GptqPlan withHalfTables() {
        return new GptqPlan(version, packing, order, encoder, true, rewritten, history);
    }

    /**
     * The same with other values in some tensors. Where the source ties the output projection to the embedding, {@link
     * #HEAD} among them unties the two.
     */
    public GptqPlan with(Map<String, Weight> values) {
        return new GptqPlan(version, packing, order, encoder, halfTables, values, history);
    }
}
