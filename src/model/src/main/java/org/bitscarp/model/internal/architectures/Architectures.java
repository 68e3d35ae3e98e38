package org.bitscarp.model.internal.architectures;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.JsonNode;

/** The architectures that are understood. */
public final class Architectures {
    private static final List<Architecture> ALL = List.of(
            new Architecture("LlamaForCausalLM", "llama", Llama::read),
            new Architecture("MistralForCausalLM", "mistral", Mistral::read),
            new Architecture("MixtralForCausalLM", "mixtral", Mixtral::read),
            new Architecture("Qwen2ForCausalLM", "qwen2", Qwen2::read),
            new Architecture("Qwen3ForCausalLM", "qwen3", Qwen3::read),
            new Architecture("Qwen3MoeForCausalLM", "qwen3_moe", Qwen3Moe::read),
            new Architecture("Gemma2ForCausalLM", "gemma2", Gemma2::read),
            new Architecture("Gemma3ForCausalLM", "gemma3_text", Gemma3::read),
            new Architecture("Phi3ForCausalLM", "phi3", Phi3::read),
            new Architecture("GPT2LMHeadModel", "gpt2", Gpt2::read),
            new Architecture("OPTForCausalLM", "opt", Opt::read),
            new Architecture("GPTNeoXForCausalLM", "gpt_neox", GptNeoX::read),
            new Architecture("BitNetForCausalLM", "bitnet", BitNet::read));

    private Architectures() {}

    /**
     * What a {@code config.json} describes.
     *
     * @throws ModelException for an unknown architecture, naming it and those that are supported
     */
    public static Architecture.Model read(ConfigFields config) throws ModelException {
        JsonNode names = config.raw("architectures");
        if (names.isArray() && names.size() > 0 && names.get(0).isString()) {
            String name = names.get(0).stringValue();
            return find(config, name, a -> a.name().equals(name));
        }
        // Base models written by older tools carry only the model type.
        String type = config.string("model_type").orElse("");
        return find(
                config, type.isEmpty() ? "nothing" : type, a -> a.modelType().equals(type));
    }

    private static Architecture.Model find(ConfigFields config, String name, Predicate<Architecture> which)
            throws ModelException {
        Architecture found = ALL.stream()
                .filter(which)
                .findFirst()
                .orElseThrow(() -> new ModelException(config.file() + ": architecture " + ConfigFields.printable(name)
                        + " is not supported; supported: "
                        + ALL.stream().map(Architecture::name).collect(Collectors.joining(", "))));
        return found.reader().read(found.name(), config);
    }
}
