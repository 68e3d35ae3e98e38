package org.bitscarp.model.internal.gguf;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.StoredFormat;

/** Finds the tensors of a Llama model under the names that llama.cpp gives them, and checks their shapes. */
final class GgufTensors {
    static final String EMBEDDING = "token_embd.weight";
    static final String HEAD = "output.weight";

    private final GgufHeader header;
    private final DecoderSpec spec;

    GgufTensors(GgufHeader header, DecoderSpec spec) {
        this.header = header;
        this.spec = spec;
    }

    /** An optional tensor that a layer does not have is null in the array of its role. */
    Map<TensorRole, TensorInfo[]> roles() throws ModelException {
        Map<TensorRole, TensorInfo[]> roles = new EnumMap<>(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            TensorInfo[] perLayer = new TensorInfo[role.inLayer() ? spec.layers() : 1];
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

    private TensorInfo find(TensorRole role, int layer) throws ModelException {
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
        return info(header.file(), tensor, format);
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
