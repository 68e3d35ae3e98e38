package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;
import tools.jackson.databind.JsonNode;

/** The tokenizer of a Hugging Face folder: {@code tokenizer.json}, with the BOS token of {@code tokenizer_config.json}. */
final class HuggingFaceTokenizers {
    private static final String FILE = "tokenizer.json";
    private static final String CONFIG = "tokenizer_config.json";
    private static final long MAX_CONFIG_BYTES = 16 << 20;

    private HuggingFaceTokenizers() {}

    /** @param configBos {@code bos_token_id} of {@code config.json}, or −1; used where the tokenizer names no BOS */
    static Tokenizer open(Path folder, int configBos) throws IOException {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            throw new ModelException(folder + ": no " + FILE
                    + (Files.exists(folder.resolve("tokenizer.model"))
                            ? ", only tokenizer.model; save the tokenizer with AutoTokenizer.from_pretrained(…).save_pretrained(…)"
                            : "; download it from where the model came from"));
        }
        TokenizerJson json = TokenizerJson.read(file);
        return NativeTokenizer.create(file, json, bos(folder.resolve(CONFIG), json, configBos));
    }

    private static int bos(Path config, TokenizerJson json, int configBos) throws IOException {
        if (!Files.exists(config)) {
            return configBos;
        }
        JsonNode bos = Json.readObject(config, MAX_CONFIG_BYTES).path("bos_token");
        JsonNode content = bos.isObject() ? bos.path("content") : bos;
        OptionalInt id = content.isString() ? json.id(content.stringValue()) : OptionalInt.empty();
        return id.orElse(configBos);
    }
}
