package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bitscarp.model.ModelException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a chat becomes a text: Jinja templates by name, the usual one under {@link #DEFAULT}. Nothing here runs them; they
 * are carried from one container into another. A folder has them in {@code tokenizer_config.json}, or else in files of
 * their own, as transformers and llama.cpp's converter look for them.
 */
public record ChatTemplates(Map<String, String> byName) {
    /** Name of the template that is taken where none is asked for. */
    public static final String DEFAULT = "default";

    private static final String KEY = "chat_template";
    private static final String SUFFIX = ".jinja";
    private static final long MAX_BYTES = 4 << 20;

    public ChatTemplates {
        byName = new TreeMap<>(byName);
    }

    /** The templates of a Hugging Face folder; none where it has none. */
    static ChatTemplates ofFolder(Path folder) throws IOException {
        JsonNode inConfig = field(folder.resolve(HuggingFaceTokenizers.CONFIG));
        if (!inConfig.isMissingNode() && !inConfig.isNull()) {
            return of(inConfig);
        }
        Path file = folder.resolve(KEY + SUFFIX);
        if (!Files.isRegularFile(file)) {
            return of(field(folder.resolve(KEY + ".json")));
        }
        Map<String, String> templates = new TreeMap<>();
        templates.put(DEFAULT, text(file));
        Path more = folder.resolve("additional_chat_templates");
        if (Files.isDirectory(more)) {
            try (Stream<Path> files = Files.list(more)) {
                for (Path one : files.filter(f -> f.toString().endsWith(SUFFIX)).toList()) {
                    String name = one.getFileName().toString();
                    templates.put(name.substring(0, name.length() - SUFFIX.length()), text(one));
                }
            }
        }
        return new ChatTemplates(templates);
    }

    private static JsonNode field(Path file) throws IOException {
        return Files.isRegularFile(file)
                ? Json.readObject(file, HuggingFaceTokenizers.MAX_CONFIG_BYTES).path(KEY)
                : Json.MAPPER.missingNode();
    }

    private static String text(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new ModelException(
                    file + ": has " + Files.size(file) + " bytes; expected a template of at most " + MAX_BYTES);
        }
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    /** One template, or a list of them with their names; anything else is none, as for llama.cpp. */
    private static ChatTemplates of(JsonNode value) {
        Map<String, String> templates = new TreeMap<>();
        if (value.isString()) {
            templates.put(DEFAULT, value.stringValue());
        }
        for (JsonNode choice : value.isArray() ? value : Json.MAPPER.createArrayNode()) {
            if (choice.path("name").isString() && choice.path("template").isString()) {
                templates.put(
                        choice.path("name").stringValue(),
                        choice.path("template").stringValue());
            }
        }
        return new ChatTemplates(templates);
    }

    /** Puts them into the content of a {@code tokenizer_config.json}. */
    public void put(ObjectNode config) {
        if (byName.size() == 1 && byName.containsKey(DEFAULT)) {
            config.put(KEY, byName.get(DEFAULT));
        } else if (!byName.isEmpty()) {
            ArrayNode list = config.putArray(KEY);
            byName.forEach(
                    (name, template) -> list.addObject().put("name", name).put("template", template));
        }
    }
}
