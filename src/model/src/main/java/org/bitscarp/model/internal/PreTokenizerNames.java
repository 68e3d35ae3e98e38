package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * llama.cpp's name for the pre-tokenizer of a {@code tokenizer.json}. It is told from the steps themselves; llama.cpp's
 * converter looks the hash of an encoded text up in a list of models instead, which knows no other vocabulary.
 */
final class PreTokenizerNames {
    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String WORD = "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
    private static final String REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** Regular expression of a single split before the byte level, by name. */
    private static final Map<String, String> SPLITS = Map.of(
            CONTRACTIONS + WORD + "\\p{N}" + REST,
            "qwen2",
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" + CONTRACTIONS
                    + "?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + CONTRACTIONS + "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "gpt-4o",
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                    + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "tekken");

    private static final String LLAMA3 = CONTRACTIONS + WORD + "\\p{N}{1,3}" + REST;

    private PreTokenizerNames() {}

    /**
     * The name that goes into a GGUF file.
     *
     * @param file for messages
     * @param wholeWords whether words that are tokens are taken whole ({@code ignore_merges})
     * @throws ModelException for steps that llama.cpp has no name for
     */
    static String of(Path file, JsonNode preTokenizer, boolean wholeWords) throws ModelException {
        List<JsonNode> parts = parts(preTokenizer);
        JsonNode last = parts.isEmpty() ? preTokenizer : parts.getLast();
        boolean byteLevel =
                type(last).equals("ByteLevel") && !last.path("add_prefix_space").booleanValue(true);
        boolean words = byteLevel && last.path("use_regex").booleanValue(true);
        if (words && parts.size() == 1) {
            return "gpt-2";
        }
        JsonNode first = parts.isEmpty() ? preTokenizer : parts.getFirst();
        boolean digits =
                type(first).equals("Digits") && first.path("individual_digits").booleanValue(false);
        if (words && parts.size() == 2 && digits) {
            return "smollm";
        }
        if (byteLevel && !words && parts.size() == 2 && isolated(first)) {
            String expression = first.path("pattern").path("Regex").stringValue("");
            if (expression.equals(LLAMA3)) {
                return wholeWords ? "llama-bpe" : "dbrx";
            }
            if (SPLITS.containsKey(expression)) {
                return SPLITS.get(expression);
            }
        }
        throw new ModelException(file + ": llama.cpp has no pre-tokenizer like this one, so a GGUF file would tokenize"
                + " differently: " + shortened(preTokenizer.toString()));
    }

    /** The steps that a name stands for; empty for names that {@link #of} does not give. */
    static Optional<ObjectNode> steps(String name) {
        ObjectNode bytes = Json.MAPPER.createObjectNode();
        bytes.put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true);
        ObjectNode first = Json.MAPPER.createObjectNode();
        Optional<String> expression = expression(name);
        if (name.equals("gpt-2")) {
            return Optional.of(bytes.put("use_regex", true));
        } else if (name.equals("smollm")) {
            first.put("type", "Digits").put("individual_digits", true);
        } else if (expression.isPresent()) {
            first.put("type", "Split");
            first.putObject("pattern").put("Regex", expression.get());
            first.put("behavior", "Isolated").put("invert", false);
        } else {
            return Optional.empty();
        }
        ObjectNode sequence = Json.MAPPER.createObjectNode().put("type", "Sequence");
        ArrayNode parts = sequence.putArray("pretokenizers");
        parts.add(first).add(bytes.put("use_regex", expression.isEmpty()));
        return Optional.of(sequence);
    }

    private static Optional<String> expression(String name) {
        return name.equals("llama-bpe") || name.equals("dbrx")
                ? Optional.of(LLAMA3)
                : SPLITS.entrySet().stream()
                        .filter(entry -> entry.getValue().equals(name))
                        .map(Map.Entry::getKey)
                        .findFirst();
    }

    /** Whether words that are tokens are taken whole under a name ({@code ignore_merges}). */
    static boolean wholeWords(String name) {
        return name.equals("llama-bpe") || name.equals("tekken");
    }

    private static boolean isolated(JsonNode split) {
        return type(split).equals("Split")
                && split.path("behavior").stringValue("").equals("Isolated")
                && !split.path("invert").booleanValue(false);
    }

    private static String type(JsonNode part) {
        return part.path("type").stringValue("");
    }

    /** The parts of a step, which may be one or a sequence. */
    static List<JsonNode> parts(JsonNode step) {
        List<JsonNode> parts = new ArrayList<>();
        if (step.path("type").stringValue("").equals("Sequence")) {
            for (String key : List.of("normalizers", "pretokenizers")) {
                step.path(key).forEach(part -> parts.addAll(parts(part)));
            }
        } else if (step.isObject()) {
            parts.add(step);
        }
        return parts;
    }

    private static String shortened(String text) {
        return text.length() < 200 ? text : text.substring(0, 200) + "…";
    }
}
