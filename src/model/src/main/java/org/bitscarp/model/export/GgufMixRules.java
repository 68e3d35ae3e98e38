package org.bitscarp.model.export;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgufMix;

/**
 * Which block type each tensor of a file gets in llama.cpp's mixes: {@code llama_tensor_get_type_impl} of {@code
 * llama-quant.cpp}, tag v0.5.0, for the architectures that Bitscarp writes. A pure function of names, shapes and counts.
 */
public final class GgufMixRules {
    /** Layers of the Llama model of 70 billion weights, whose values are shared by so many queries that they get more. */
    private static final int LAYERS_OF_70B = 80;

    /**
     * What the rules want to know of a model.
     *
     * @param architecture {@code general.architecture}
     * @param layers {@code block_count}
     * @param experts 0 for none
     */
    public record Model(String architecture, int layers, int heads, int kvHeads, int experts) {
        private int queriesPerKey() {
            return kvHeads == 0 ? 0 : heads / kvHeads;
        }

        private boolean of70Billion() {
            return layers == LAYERS_OF_70B
                    && switch (architecture) {
                        case "llama" -> heads != kvHeads;
                        case "qwen2", "olmo", "deci" -> true;
                        default -> false;
                    };
        }
    }

    private final GgufMix mix;
    private final boolean importances;
    private final Model model;
    private boolean tied;
    private int values;
    private int valuesSeen;
    private int downSeen;

    private GgufMixRules(GgufMix mix, boolean importances, Model model) {
        this.mix = mix;
        this.importances = importances;
        this.model = model;
    }

    /**
     * The block type of each tensor that a mix quantizes, before {@link WidthFallback}; the others stay as they are.
     *
     * @param importances whether there is an importance matrix
     * @param tensors the whole file, in any order
     */
    public static Map<String, BlockFormat> types(
            GgufMix mix, boolean importances, Model model, List<GgufTensorShape> tensors) {
        GgufMixRules rules = new GgufMixRules(mix, importances, model);
        for (GgufTensorShape tensor : tensors) {
            rules.values += tensor.category().holdsValues() ? 1 : 0;
        }
        rules.tied = tensors.stream().noneMatch(tensor -> tensor.category() == TensorCategory.OUTPUT);
        Map<String, BlockFormat> types = new LinkedHashMap<>();
        // Some rules count the tensors of a kind that came before, in llama.cpp's order.
        tensors.stream()
                .filter(GgufTensorShape::quantizable)
                .sorted(Comparator.comparingInt(GgufTensorShape::layer).thenComparing(GgufTensorShape::name))
                .forEach(tensor -> types.put(tensor.name(), rules.type(tensor)));
        return types;
    }

    private GgmlFormat type(GgufTensorShape tensor) {
        TensorCategory category = tensor.category();
        if (category == TensorCategory.OUTPUT || tied && category == TensorCategory.TOKEN_EMBEDDING) {
            return output(tensor);
        }
        if (mix == GgufMix.MXFP4_MOE) {
            return tensor.matrices() > 1 ? mix.format() : GgufMix.Q8_0.format();
        }
        return switch (category) {
            case TOKEN_EMBEDDING -> embedding();
            case ATTENTION_V, ATTENTION_QKV -> values();
            case ATTENTION_K -> model.experts() == 8 ? GgufMix.Q8_0.format() : mix.format();
            case ATTENTION_OUTPUT -> attentionOutput();
            case FFN_DOWN -> down(tensor);
            default -> mix.format();
        };
    }

    private GgmlFormat output(GgufTensorShape tensor) {
        boolean plain =
                mix == GgufMix.MXFP4_MOE || mix == GgufMix.Q8_0 || !mix.format().supports(tensor.columns());
        return plain ? GgufMix.Q8_0.format() : GgufMix.Q6_K.format();
    }

    private GgmlFormat embedding() {
        return switch (mix) {
            case TQ1_0, TQ2_0, Q2_0 -> Types.Q4;
            default -> mix.format();
        };
    }

    private GgmlFormat values() {
        int index = valuesSeen++;
        boolean shared = model.queriesPerKey() >= 4;
        GgmlFormat type = switch (mix) {
            case Q2_K -> shared ? Types.Q4 : Types.Q3;
            case Q2_K_S -> shared ? Types.Q4 : mix.format();
            case Q3_K_M -> index < 2 ? Types.Q5 : Types.Q4;
            case Q3_K_L -> Types.Q5;
            case IQ4_NL, IQ4_XS -> shared ? Types.Q5 : mix.format();
            case Q4_K_S -> index < 4 ? Types.Q5 : mix.format();
            case Q4_K_M, Q5_K_M -> deservesMore(index, values) ? Types.Q6 : mix.format();
            default -> mix.format();
        };
        if (model.of70Billion() && (type == Types.Q3 || type == Types.Q4)) {
            type = Types.Q5;
        }
        return model.experts() == 8 ? GgufMix.Q8_0.format() : type;
    }

    private GgmlFormat attentionOutput() {
        if (model.experts() == 8) {
            return switch (mix) {
                case Q2_K, Q3_K_S, Q3_K_M, IQ4_NL, IQ4_XS, Q4_K_S, Q4_K_M -> Types.Q5;
                default -> mix.format();
            };
        }
        return switch (mix) {
            case Q2_K -> Types.Q3;
            case Q3_K_M -> Types.Q4;
            case Q3_K_L -> Types.Q5;
            default -> mix.format();
        };
    }

    private GgmlFormat down(GgufTensorShape tensor) {
        int counted = downSeen++;
        int layers = model.layers();
        // Some models of experts have dense layers between routed ones, or several such tensors in a layer.
        int layer = model.experts() > 1 ? tensor.layer() : counted;
        boolean early = layer < layers / 8;
        return switch (mix) {
            case Q2_K -> Types.Q3;
            case Q2_K_S -> early ? Types.Q4 : mix.format();
            case Q3_K_M -> layer < layers / 16 ? Types.Q5 : Types.Q4;
            case Q3_K_L -> Types.Q5;
            case Q4_K_M, Q5_K_M -> deservesMore(layer, layers) ? Types.Q6 : mix.format();
            case IQ4_NL, IQ4_XS -> early && !importances ? Types.Q5 : mix.format();
            case Q4_K_S -> early ? Types.Q5 : mix.format();
            case Q4_0 -> early && importances ? GgufMix.Q4_1.format() : mix.format();
            case Q5_0 -> early && importances ? GgufMix.Q5_1.format() : mix.format();
            default -> mix.format();
        };
    }

    /** The first and last eighth of the layers, and every third between them. */
    private static boolean deservesMore(int layer, int layers) {
        return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
    }

    private static final class Types {
        private static final GgmlFormat Q3 = GgufMix.Q3_K_S.format();
        private static final GgmlFormat Q4 = GgufMix.Q4_K_S.format();
        private static final GgmlFormat Q5 = GgufMix.Q5_K_S.format();
        private static final GgmlFormat Q6 = GgufMix.Q6_K.format();
    }
}
