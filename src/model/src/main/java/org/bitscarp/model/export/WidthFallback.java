package org.bitscarp.model.export;

import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.ggml.GgmlTypes;

/** What llama.cpp stores a tensor in whose rows are no whole number of a type's blocks ({@code tensor_type_fallback}). */
public final class WidthFallback {
    private WidthFallback() {}

    /**
     * The type itself where its blocks fit, else a type of shorter blocks and about the same number of bits, else fp16.
     * Where llama.cpp gives up, it is fp16, too.
     */
    public static BlockFormat of(BlockFormat format, int columns) {
        if (format.supports(columns)) {
            return format;
        }
        String other = switch (format.name()) {
            case "iq4_xs" -> "iq4_nl";
            case "q2_0", "q2_k", "q3_k", "tq1_0", "tq2_0" -> "q4_0";
            case "q4_k" -> "q5_0";
            case "q5_k" -> "q5_1";
            case "q6_k" -> "q8_0";
            default -> format.name();
        };
        return GgmlTypes.byName(other)
                .filter(type -> type.supports(columns))
                .map(BlockFormat.class::cast)
                .orElse(FloatFormat.FP16);
    }
}
