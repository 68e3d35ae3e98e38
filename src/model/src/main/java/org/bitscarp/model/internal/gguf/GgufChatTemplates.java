package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bitscarp.model.internal.ChatTemplates;

/** The keys of chat templates, as llama.cpp's converter writes them. */
public final class GgufChatTemplates {
    private static final String TEMPLATE = "tokenizer.chat_template";
    private static final String NAMES = "tokenizer.chat_templates";

    private GgufChatTemplates() {}

    static void put(ChatTemplates templates, GgufKeys keys) {
        List<byte[]> names = new ArrayList<>();
        templates.byName().forEach((name, template) -> {
            if (name.equals(ChatTemplates.DEFAULT)) {
                keys.string(TEMPLATE, template);
            } else {
                // Names of keys are kept to letters and digits; of two that come to the same, the last stays.
                String word = name.replaceAll("[^A-Za-z0-9]", "_");
                if (!keys.has(TEMPLATE + "." + word)) {
                    names.add(word.getBytes(StandardCharsets.UTF_8));
                }
                keys.string(TEMPLATE + "." + word, template);
            }
        });
        if (!names.isEmpty()) {
            keys.strings(NAMES, names);
        }
    }

    /** The templates of a file. */
    public static ChatTemplates read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            GgufMetadata metadata = GgufHeader.read(file, channel).metadata();
            Map<String, String> templates = new TreeMap<>();
            for (String key : metadata.keys()) {
                boolean usual = key.equals(TEMPLATE);
                if (usual || key.startsWith(TEMPLATE + ".")) {
                    String name = usual ? ChatTemplates.DEFAULT : key.substring(TEMPLATE.length() + 1);
                    metadata.string(key).ifPresent(template -> templates.put(name, template));
                }
            }
            return new ChatTemplates(templates);
        }
    }
}
