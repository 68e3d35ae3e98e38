package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;
import tools.jackson.databind.JsonNode;

/** The tokenizer of a Hugging Face folder: {@code tokenizer.json}, with the BOS token of {@code tokenizer_config.json}. */
final class HuggingFaceTokenizers {
    static final String FILE = "tokenizer.json";
    static final String CONFIG = "tokenizer_config.json";
    static final long MAX_CONFIG_BYTES = 16 << 20;

    private HuggingFaceTokenizers() {}

    /** The tokenizer of a folder that has a {@code config.json}. */
    static Tokenizer openFolder(Path folder) throws IOException {
        return open(folder, configBos(folder));
    }

    /** {@code bos_token_id} of {@code config.json}: one id, or a list of which the first counts; −1 for none. */
    private static int configBos(Path folder) throws IOException {
        JsonNode value = Json.readObject(folder.resolve(HuggingFaceReader.CONFIG), HuggingFaceReader.MAX_CONFIG_BYTES)
                .path("bos_token_id");
        JsonNode id = value.isArray() && value.size() > 0 ? value.get(0) : value;
        return id.isIntegralNumber() && id.canConvertToInt() && id.intValue() >= 0 ? id.intValue() : -1;
    }

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
        return NativeTokenizer.create(file, json, bos(folder, json, configBos));
    }

    private static int bos(Path folder, TokenizerJson json, int configBos) throws IOException {
        String bos = special(folder, "bos_token");
        return bos == null ? configBos : json.id(bos).orElse(configBos);
    }

    /** A special token that {@code tokenizer_config.json} names, or null. */
    static String special(Path folder, String key) throws IOException {
        Path config = folder.resolve(CONFIG);
        if (!Files.exists(config)) {
            return null;
        }
        JsonNode token = Json.readObject(config, MAX_CONFIG_BYTES).path(key);
        return (token.isObject() ? token.path("content") : token).stringValue(null);
    }
}
