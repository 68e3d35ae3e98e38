package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.model.internal.weights.StoredWeight;

/** Finds the tensors of a Llama model under the names that transformers gives them, and checks their shapes. */
final class LlamaTensors {
    private final Path configFile;
    private final LlamaConfig config;
    private final SafetensorsFiles tensors;
    private final MappedFiles files;
    private final LinearSource linears;
    private final String prefix;

    LlamaTensors(
            Path configFile, LlamaConfig config, SafetensorsFiles tensors, MappedFiles files, LinearSource linears) {
        this.linears = linears;
        this.files = files;
        this.configFile = configFile;
        this.config = config;
        this.tensors = tensors;
        // The bare LlamaModel, without its language-model head, is saved without the prefix.
        this.prefix = tensors.find("model.norm.weight").isEmpty()
                        && tensors.find("norm.weight").isPresent()
                ? ""
                : "model.";
    }

    Map<TensorRole, Weight[]> roles() throws ModelException {
        Map<TensorRole, Weight[]> roles = new EnumMap<>(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            if (present(role)) {
                // Layers are looked up before the array is made: the number of layers is untrusted.
                weight(role, 0);
                Weight[] perLayer = new Weight[role.inLayer() ? config.spec().layers() : 1];
                for (int layer = 0; layer < perLayer.length; layer++) {
                    perLayer[layer] = weight(role, layer);
                }
                roles.put(role, perLayer);
            }
        }
        return roles;
    }

    /** A tensor whose config switch is off is ignored where it is in the file, as transformers does. */
    private boolean present(TensorRole role) {
        return switch (role) {
            case HEAD -> !config.spec().tiedHead();
            case QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS -> config.attentionBias();
            case GATE_BIAS, UP_BIAS, DOWN_BIAS -> config.mlpBias();
            case EMBEDDING, FINAL_NORM, ATTENTION_NORM, QUERY, KEY, VALUE, OUTPUT, MLP_NORM, GATE, UP, DOWN -> true;
            default -> false;
        };
    }

    private Weight weight(TensorRole role, int layer) throws ModelException {
        String name = name(role, layer);
        String module = name.substring(0, name.lastIndexOf('.'));
        if ((role.linear() || role == TensorRole.HEAD) && linears.has(module)) {
            List<Long> shape = config.spec().shape(role);
            return linears.linear(module, shape.getFirst(), shape.getLast());
        }
        return new StoredWeight(files, require(role, layer));
    }

    private TensorInfo require(TensorRole role, int layer) throws ModelException {
        String name = name(role, layer);
        Optional<SafetensorsFiles.Located> found = tensors.find(name);
        if (found.isEmpty() && role == TensorRole.EMBEDDING && config.spec().tiedHead()) {
            // Tied weights are one tensor: a file may hold it under either name.
            found = tensors.find(name(TensorRole.HEAD, 0));
        }
        SafetensorsFiles.Located located = found.orElseThrow(() -> new ModelException(configFile.resolveSibling("")
                + ": tensor " + name + " is missing; " + configFile.getFileName() + " asks for shape "
                + config.spec().shape(role) + ", the safetensors files hold " + tensors.size() + " other tensors"
                + (role == TensorRole.HEAD ? " (and tie_word_embeddings is false)" : "")));
        SafetensorsHeader.Entry entry = located.entry();
        if (!entry.shape().equals(config.spec().shape(role))) {
            throw new ModelException(located + " has shape " + entry.shape() + "; " + configFile.getFileName()
                    + " asks for " + config.spec().shape(role));
        }
        return located.numbers();
    }

    private String name(TensorRole role, int layer) {
        return switch (role) {
            case EMBEDDING -> prefix + "embed_tokens.weight";
            case FINAL_NORM -> prefix + "norm.weight";
            case HEAD -> "lm_head.weight";
            default -> prefix + "layers." + layer + "." + inLayer(role);
        };
    }

    private static String inLayer(TensorRole role) {
        return switch (role) {
            case ATTENTION_NORM -> "input_layernorm.weight";
            case QUERY -> "self_attn.q_proj.weight";
            case KEY -> "self_attn.k_proj.weight";
            case VALUE -> "self_attn.v_proj.weight";
            case OUTPUT -> "self_attn.o_proj.weight";
            case QUERY_BIAS -> "self_attn.q_proj.bias";
            case KEY_BIAS -> "self_attn.k_proj.bias";
            case VALUE_BIAS -> "self_attn.v_proj.bias";
            case OUTPUT_BIAS -> "self_attn.o_proj.bias";
            case MLP_NORM -> "post_attention_layernorm.weight";
            case GATE -> "mlp.gate_proj.weight";
            case UP -> "mlp.up_proj.weight";
            case DOWN -> "mlp.down_proj.weight";
            case GATE_BIAS -> "mlp.gate_proj.bias";
            case UP_BIAS -> "mlp.up_proj.bias";
            case DOWN_BIAS -> "mlp.down_proj.bias";
            default -> throw new IllegalArgumentException(role + " is not in a layer");
        };
    }
}
