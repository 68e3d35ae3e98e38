package org.bitscarp.model.internal;

import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Checks and copies the pipeline around the model of a {@code tokenizer.json}. Known components with known fields pass;
 * a component that the library could panic on for some values is either bounded here or not in the list.
 */
final class TokenizerComponents {
    /** The four places of the pipeline. */
    enum Kind {
        NORMALIZER("normalizer", "normalizers"),
        PRE_TOKENIZER("pre_tokenizer", "pretokenizers"),
        POST_PROCESSOR("post_processor", "processors"),
        DECODER("decoder", "decoders");

        private final String key;
        private final String listKey;

        Kind(String key, String listKey) {
            this.key = key;
            this.listKey = listKey;
        }

        /** Under which the file has it. */
        String key() {
            return key;
        }
    }

    private enum Field {
        FLAG,
        TEXT,
        /** At least one character: prepending nothing panics, and so does an added token that becomes empty. */
        SOME_TEXT,
        /** One code point. */
        CHAR,
        BEHAVIOR,
        PATTERN,
        /** A pattern without a regular expression: where one matches the empty string, replacing panics. */
        LITERAL,
        PREPEND,
        /** From 1. */
        COUNT,
        START,
        /** Zero: for more the library counts back from the end of a token without looking at its length. */
        STOP
    }

    private static final int MAX_COUNT = 1 << 16;

    private static final Map<Kind, Map<String, Map<String, Field>>> KNOWN = Map.of(
            Kind.NORMALIZER,
            Map.ofEntries(
                    Map.entry("NFC", Map.of()),
                    Map.entry("NFD", Map.of()),
                    Map.entry("NFKC", Map.of()),
                    Map.entry("NFKD", Map.of()),
                    Map.entry("Lowercase", Map.of()),
                    Map.entry("Replace", Map.of("pattern", Field.LITERAL, "content", Field.SOME_TEXT)),
                    Map.entry("Prepend", Map.of("prepend", Field.SOME_TEXT)),
                    Map.entry("ByteLevel", Map.of())),
            Kind.PRE_TOKENIZER,
            Map.ofEntries(
                    Map.entry("BertPreTokenizer", Map.of()),
                    Map.entry("ByteLevel", byteLevel()),
                    Map.entry("Metaspace", metaspace()),
                    Map.entry("Whitespace", Map.of()),
                    Map.entry("WhitespaceSplit", Map.of()),
                    Map.entry("UnicodeScripts", Map.of()),
                    Map.entry("Digits", Map.of("individual_digits", Field.FLAG)),
                    Map.entry("Punctuation", Map.of("behavior", Field.BEHAVIOR)),
                    Map.entry("CharDelimiterSplit", Map.of("delimiter", Field.CHAR)),
                    Map.entry(
                            "Split",
                            Map.of("pattern", Field.PATTERN, "behavior", Field.BEHAVIOR, "invert", Field.FLAG)),
                    Map.entry("FixedLength", Map.of("length", Field.COUNT))),
            Kind.POST_PROCESSOR,
            Map.of("ByteLevel", byteLevel()),
            Kind.DECODER,
            Map.of(
                    "ByteLevel", byteLevel(),
                    "Metaspace", metaspace(),
                    "BPEDecoder", Map.of("suffix", Field.TEXT),
                    "WordPiece", Map.of("prefix", Field.TEXT, "cleanup", Field.FLAG),
                    "Replace", Map.of("pattern", Field.LITERAL, "content", Field.TEXT),
                    "Strip", Map.of("content", Field.CHAR, "start", Field.START, "stop", Field.STOP),
                    "Fuse", Map.of(),
                    "ByteFallback", Map.of()));

    private TokenizerComponents() {}

    private static Map<String, Field> byteLevel() {
        return Map.of("add_prefix_space", Field.FLAG, "trim_offsets", Field.FLAG, "use_regex", Field.FLAG);
    }

    private static Map<String, Field> metaspace() {
        return Map.of(
                "replacement", Field.CHAR,
                "add_prefix_space", Field.FLAG,
                "prepend_scheme", Field.PREPEND,
                "split", Field.FLAG);
    }

    /** A checked copy; null stays null. */
    static JsonNode check(Kind kind, JsonNode node) throws Refusal {
        return node == null || node.isNull() ? Json.MAPPER.nullNode() : component(kind, node, kind.key());
    }

    private static ObjectNode component(Kind kind, JsonNode node, String where) throws Refusal {
        if (!node.isObject()) {
            throw new Refusal(where + ": expected an object or null, found " + Json.kind(node));
        }
        String type = Refusal.string(node.path("type"), where + ".type");
        ObjectNode copy = Json.MAPPER.createObjectNode().put("type", type);
        if (type.equals("Sequence")) {
            JsonNode list = node.path(kind.listKey);
            if (!list.isArray()) {
                throw new Refusal(where + "." + kind.listKey + ": expected an array, found " + Json.kind(list));
            }
            if (kind == Kind.POST_PROCESSOR) {
                checkProcessors(list, where);
            }
            ArrayNode copies = copy.putArray(kind.listKey);
            for (int i = 0; i < list.size(); i++) {
                copies.add(component(kind, list.get(i), where + "." + kind.listKey + "[" + i + "]"));
            }
            return copy;
        }
        if (kind == Kind.POST_PROCESSOR && type.equals("TemplateProcessing")) {
            return TokenizerTemplate.check(node, where);
        }
        Map<String, Field> fields = KNOWN.get(kind).get(type);
        if (fields == null) {
            throw new Refusal(where + ".type: " + Json.kind(node.path("type")) + " is not supported");
        }
        for (Map.Entry<String, Field> field : fields.entrySet()) {
            JsonNode value = node.path(field.getKey());
            if (!value.isMissingNode()) {
                copy.set(field.getKey(), value(field.getValue(), value, where + "." + field.getKey()));
            }
        }
        return copy;
    }

    /** The library counts sequences wrongly when one template works on the result of another. */
    private static void checkProcessors(JsonNode list, String where) throws Refusal {
        int templates = 0;
        for (JsonNode processor : list) {
            String type = processor.path("type").stringValue("");
            templates += type.equals("TemplateProcessing") ? 1 : 0;
            require(!type.equals("Sequence") && templates <= 1, where, "a flat list with one template at most", list);
        }
    }

    private static JsonNode value(Field field, JsonNode value, String where) throws Refusal {
        switch (field) {
            case FLAG -> require(value.isBoolean() || value.isNull(), where, "true or false", value);
            case TEXT -> Refusal.string(value, where);
            case SOME_TEXT -> require(!Refusal.string(value, where).isEmpty(), where, "some text", value);
            case CHAR -> {
                String text = Refusal.string(value, where);
                require(text.codePointCount(0, text.length()) == 1, where, "one character", value);
            }
            case BEHAVIOR, PREPEND ->
                require(Refusal.string(value, where).matches("[A-Za-z_]{1,40}"), where, "a name", value);
            case PATTERN, LITERAL -> {
                return pattern(value, where, field == Field.PATTERN);
            }
            case COUNT -> Refusal.integer(value, where, 1, MAX_COUNT);
            case START -> Refusal.integer(value, where, 0, MAX_COUNT);
            case STOP -> Refusal.integer(value, where, 0, 0);
        }
        return value;
    }

    /** {@code {"String": text}} or {@code {"Regex": pattern}}. */
    private static ObjectNode pattern(JsonNode value, String where, boolean regexAllowed) throws Refusal {
        ObjectNode copy = Json.MAPPER.createObjectNode();
        if (value.has("String") && value.size() == 1) {
            String text = Refusal.string(value.get("String"), where + ".String");
            // An empty pattern matches between any two characters, without end.
            require(!text.isEmpty(), where, "some text", value.get("String"));
            return copy.put("String", text);
        }
        require(
                regexAllowed && value.has("Regex") && value.size() == 1,
                where,
                regexAllowed ? "{\"String\": …} or {\"Regex\": …}" : "{\"String\": …}",
                value);
        String regex = Refusal.string(value.get("Regex"), where + ".Regex");
        RegexGuard.check(regex, where + ".Regex");
        return copy.put("Regex", regex);
    }

    private static void require(boolean condition, String where, String expected, JsonNode found) throws Refusal {
        if (!condition) {
            throw new Refusal(where + ": expected " + expected + ", found " + Json.kind(found));
        }
    }
}
