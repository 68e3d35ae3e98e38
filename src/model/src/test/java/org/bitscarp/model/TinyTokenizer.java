package org.bitscarp.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A byte-level {@code tokenizer.json} of 300 tokens in the style of GPT-2: end of text, 256 bytes, a few merges. */
public final class TinyTokenizer {
    private static final String[][] MERGES = {
        {"t", "h"},
        {"th", "e"},
        {"Ġ", "the"},
        {"a", "n"},
        {"an", "d"},
        {"Ġ", "and"},
        {"i", "n"},
        {"Ġ", "a"},
        {"e", "r"},
        {"o", "n"},
        {"r", "e"},
        {"Ġ", "w"},
        {"Ġ", "s"},
        {"o", "u"},
        {"i", "s"},
        {"Ġ", "t"},
        {"i", "t"},
        {"o", "r"},
        {"Ġ", "b"},
        {"e", "n"},
        {"Ġ", "to"},
        {"t", "o"},
        {"e", "d"},
        {"Ġ", "in"},
        {"l", "l"},
        {"in", "g"},
        {"Ġ", "h"},
        {"a", "t"},
        {"e", "s"},
        {"Ġ", "o"},
        {"Ġ", "f"},
        {"l", "e"},
        {"a", "r"},
        {"s", "t"},
        {"Ġ", "is"},
        {"Ġ", "c"},
        {"a", "l"},
        {"v", "er"},
        {"Ġ", "m"},
        {"Ġ", "d"},
        {"o", "m"},
        {"Ġ", "was"},
        {"w", "as"}
    };

    private TinyTokenizer() {}

    /** @param addsBos whether a template puts token 0 before every text */
    public static String json(boolean addsBos) {
        List<String> pieces = new ArrayList<>(List.of("<|endoftext|>"));
        for (int b = 0; b < 256; b++) {
            pieces.add(Character.toString(byteChar(b)));
        }
        List<String> merges = new ArrayList<>();
        for (String[] merge : MERGES) {
            String merged = merge[0] + merge[1];
            if (pieces.contains(merge[0]) && pieces.contains(merge[1]) && !pieces.contains(merged)) {
                pieces.add(merged);
                merges.add("\"" + merge[0] + " " + merge[1] + "\"");
            }
        }
        StringBuilder vocabulary = new StringBuilder();
        for (int id = 0; id < pieces.size(); id++) {
            String escaped = pieces.get(id).replace("\\", "\\\\").replace("\"", "\\\"");
            vocabulary
                    .append(id == 0 ? "" : ", ")
                    .append('"')
                    .append(escaped)
                    .append("\": ")
                    .append(id);
        }
        String template = """
                {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}}""";
        return """
                {"version": "1.0", "truncation": null, "padding": null,
                 "added_tokens": [{"id": 0, "content": "<|endoftext|>", "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": true}],
                 "normalizer": {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "\\t"},
                   "content": " "}, {"type": "NFC"}]},
                 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                   {"type": "Split", "pattern": {"Regex": "\\\\p{N}{1,3}| ?\\\\p{L}+|\\\\s+(?!\\\\S)|\\\\s+"},
                    "behavior": "Isolated", "invert": false},
                   {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
                 "post_processor": %s,
                 "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel", "add_prefix_space": true,
                   "trim_offsets": true, "use_regex": true}, {"type": "Strip", "content": "_", "start": 1, "stop": 0}]},
                 "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                   "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                   "vocab": {%s},
                   "merges": [%s]}}
                """.formatted(
                        addsBos ? template : "null", vocabulary, merges.stream().collect(Collectors.joining(", ")));
    }

    /** GPT-2's printable stand-in for a byte: itself where it is printable Latin-1, else 256 + its rank among the rest. */
    private static int byteChar(int b) {
        if (printable(b)) {
            return b;
        }
        int rank = 0;
        for (int i = 0; i < b; i++) {
            rank += printable(i) ? 0 : 1;
        }
        return 256 + rank;
    }

    private static boolean printable(int b) {
        return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
    }
}
