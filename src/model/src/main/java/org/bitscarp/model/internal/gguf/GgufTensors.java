package org.bitscarp.model.internal.gguf;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.model.internal.weights.StoredWeight;
import org.bitscarp.quant.StoredFormat;

/** Finds the tensors of a Llama model under the names that llama.cpp gives them, and checks their shapes. */
final class GgufTensors {
    static final String EMBEDDING = "token_embd.weight";
    static final String HEAD = "output.weight";

    private static final Set<TensorRole> ROLES = EnumSet.of(
            TensorRole.EMBEDDING,
            TensorRole.FINAL_NORM,
            TensorRole.HEAD,
            TensorRole.ATTENTION_NORM,
            TensorRole.QUERY,
            TensorRole.KEY,
            TensorRole.VALUE,
            TensorRole.OUTPUT,
            TensorRole.QUERY_BIAS,
            TensorRole.KEY_BIAS,
            TensorRole.VALUE_BIAS,
            TensorRole.OUTPUT_BIAS,
            TensorRole.MLP_NORM,
            TensorRole.GATE,
            TensorRole.UP,
            TensorRole.DOWN,
            TensorRole.GATE_BIAS,
            TensorRole.UP_BIAS,
            TensorRole.DOWN_BIAS);

    private final GgufHeader header;
    private final DecoderSpec spec;
    private final MappedFiles files;

    GgufTensors(GgufHeader header, DecoderSpec spec, MappedFiles files) {
        this.files = files;
        this.header = header;
        this.spec = spec;
    }

    /** An optional tensor that a layer does not have is null in the array of its role. */
    Map<TensorRole, Weight[]> roles() throws ModelException {
        Map<TensorRole, Weight[]> roles = new EnumMap<>(TensorRole.class);
        for (TensorRole role : ROLES) {
            Weight[] perLayer = new Weight[role.inLayer() ? spec.layers() : 1];
            boolean any = false;
            for (int layer = 0; layer < perLayer.length; layer++) {
                perLayer[layer] = find(role, layer);
                any |= perLayer[layer] != null;
            }
            if (any) {
                roles.put(role, perLayer);
            }
        }
        return roles;
    }

    private static boolean optional(TensorRole role) {
        return switch (role) {
            case HEAD, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, GATE_BIAS, UP_BIAS, DOWN_BIAS -> true;
            default -> false;
        };
    }

    private Weight find(TensorRole role, int layer) throws ModelException {
        String name = name(role, layer);
        GgufHeader.Tensor tensor = header.tensors().get(name);
        if (tensor == null) {
            if (optional(role)) {
                return null;
            }
            throw new ModelException(header.file() + ": tensor " + name + " is missing; the metadata ask for shape "
                    + spec.shape(role) + ", the file holds " + header.tensors().size() + " other tensors");
        }
        if (!tensor.shape().equals(spec.shape(role))) {
            throw new ModelException(header.file() + ": tensor " + name + " has shape " + tensor.shape()
                    + "; the metadata ask for " + spec.shape(role));
        }
        StoredFormat format = tensor.type()
                .format()
                .orElseThrow(() -> new ModelException(header.file() + ": tensor " + name + " is of type "
                        + tensor.type() + ", which cannot be read as weights; quantize the model to another type"));
        TensorInfo info = info(header.file(), tensor, format);
        return switch (role) {
            // llama.cpp's conversion of Llama models makes the values that are rotated together neighbours.
            case QUERY, KEY, QUERY_BIAS, KEY_BIAS ->
                new StoredWeight(
                        files,
                        info,
                        info.shape(),
                        RowOrder.pairsToHalves(spec.attention().headDim()));
            default -> new StoredWeight(files, info);
        };
    }

    static TensorInfo info(Path file, GgufHeader.Tensor tensor, StoredFormat format) {
        return new TensorInfo(tensor.name(), format, tensor.shape(), file, tensor.offset());
    }

    private static String name(TensorRole role, int layer) {
        return switch (role) {
            case EMBEDDING -> EMBEDDING;
            case FINAL_NORM -> "output_norm.weight";
            case HEAD -> HEAD;
            default -> "blk." + layer + "." + inLayer(role);
        };
    }

    private static String inLayer(TensorRole role) {
        return switch (role) {
            case ATTENTION_NORM -> "attn_norm.weight";
            case QUERY -> "attn_q.weight";
            case KEY -> "attn_k.weight";
            case VALUE -> "attn_v.weight";
            case OUTPUT -> "attn_output.weight";
            case QUERY_BIAS -> "attn_q.bias";
            case KEY_BIAS -> "attn_k.bias";
            case VALUE_BIAS -> "attn_v.bias";
            case OUTPUT_BIAS -> "attn_output.bias";
            case MLP_NORM -> "ffn_norm.weight";
            case GATE -> "ffn_gate.weight";
            case UP -> "ffn_up.weight";
            case DOWN -> "ffn_down.weight";
            case GATE_BIAS -> "ffn_gate.bias";
            case UP_BIAS -> "ffn_up.bias";
            case DOWN_BIAS -> "ffn_down.bias";
            default -> throw new IllegalArgumentException(role + " is not in a layer");
        };
    }
}
