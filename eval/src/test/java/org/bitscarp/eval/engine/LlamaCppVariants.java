package org.bitscarp.eval.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitscarp.model.CharacterTokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Copies of fixtures with a tokenizer, those of some families changed to what llama.cpp computes for them. */
final class LlamaCppVariants {
    /** The changed ones: Gemma scales queries by 1/√headDim there, and BitNet has another activation and no head. */
    static final List<String> CHANGED = List.of("gemma2", "gemma3", "bitnet");

    private LlamaCppVariants() {}

    static Path copy(String fixture, Path target) throws IOException {
        Path source = Path.of("src/test/resources/fixtures", fixture);
        JsonNode original = JsonMapper.shared().readTree(Files.readString(source.resolve("config.json")));
        CharacterTokenizer.copyWith(source, target, original.get("vocab_size").asInt());
        if (CHANGED.contains(fixture)) {
            ObjectNode changed = (ObjectNode) original;
            if (fixture.equals("bitnet")) {
                changed.put("hidden_act", "silu").put("tie_word_embeddings", true);
            } else {
                changed.put("query_pre_attn_scalar", changed.get("head_dim").asInt());
                ArrayNode windows = changed.putArray("layer_types");
                for (int layer = 0; layer < changed.get("num_hidden_layers").asInt(); layer++) {
                    windows.add(layer % 2 == 0 ? "sliding_attention" : "full_attention");
                }
            }
            Files.writeString(target.resolve("config.json"), changed.toString());
        }
        return target;
    }
}
