package org.bitscarp.model.internal;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.ModelException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tokenizer's tables as {@code tokenizer.json} and {@code tokenizer_config.json}: what {@link HuggingFaceTables} reads.
 * SentencePiece's scores become merges as in transformers' converter: all pairs of pieces that make up a piece, best
 * score first.
 */
public final class TokenizerJsonWriter {
    private static final String SPACE_MARK = "\u2581";

    private final Path source;
    private final TokenizerTables tables;
    private final String[] texts;

    private TokenizerJsonWriter(Path source, TokenizerTables tables) {
        this.source = source;
        this.tables = tables;
        this.texts = tables.tokens().stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .toArray(String[]::new);
    }

    /**
     * The content of {@code tokenizer.json}.
     *
     * @param source names the model in messages
     * @throws ModelException for a pre-tokenizer that has no known counterpart
     */
    public static ObjectNode tokenizer(Path source, TokenizerTables tables) throws ModelException {
        return new TokenizerJsonWriter(source, tables).tokenizer();
    }

    /** The content of {@code tokenizer_config.json}. */
    public static ObjectNode config(TokenizerTables tables, int maxPositions) {
        ObjectNode config = Json.MAPPER.createObjectNode();
        config.put("tokenizer_class", "PreTrainedTokenizerFast");
        config.put("clean_up_tokenization_spaces", false);
        config.put("model_max_length", maxPositions);
        special(config, "bos_token", tables, tables.bos());
        special(config, "eos_token", tables, tables.eos());
        special(config, "unk_token", tables, tables.unknown());
        return config;
    }

    private static void special(ObjectNode config, String key, TokenizerTables tables, int id) {
        if (id >= 0) {
            config.put(key, new String(tables.tokens().get(id), StandardCharsets.UTF_8));
        }
    }

    private ObjectNode tokenizer() throws ModelException {
        requireDistinct();
        boolean sentencePiece = tables.kind() == TokenizerTables.Kind.SENTENCE_PIECE;
        ObjectNode root = Json.MAPPER.createObjectNode().put("version", "1.0");
        root.putNull("truncation").putNull("padding");
        addedTokens(root.putArray("added_tokens"));
        if (sentencePiece) {
            root.set("normalizer", spaceMarks());
            root.putNull("pre_tokenizer");
        } else {
            root.putNull("normalizer");
            root.set(
                    "pre_tokenizer",
                    PreTokenizerNames.steps(tables.preTokenizer())
                            .orElseThrow(() -> new ModelException(source + ": no tokenizer.json can be written for"
                                    + " pre-tokenizer " + tables.preTokenizer()
                                    + "; take the tokenizer from the model that the file was made of")));
        }
        postProcessor(root);
        root.set("decoder", sentencePiece ? sentencePieceDecoder() : byteLevelDecoder());
        model(root.putObject("model"), sentencePiece);
        return root;
    }

    /** Bytes that are no UTF-8 would become the same text, and one of the tokens would be lost. */
    private void requireDistinct() throws ModelException {
        Map<String, Integer> ids = HashMap.newHashMap(texts.length);
        for (int id = 0; id < texts.length; id++) {
            Integer other = ids.putIfAbsent(texts[id], id);
            if (other != null) {
                throw new ModelException(source + ": tokens " + other + " and " + id + " are the same text where they"
                        + " are read as UTF-8, so no tokenizer.json can hold both");
            }
        }
    }

    private void addedTokens(ArrayNode added) {
        for (int id = 0; id < texts.length; id++) {
            TokenizerTables.Type type = tables.types().get(id);
            boolean special = type == TokenizerTables.Type.CONTROL || type == TokenizerTables.Type.UNKNOWN;
            if (special || type == TokenizerTables.Type.USER_DEFINED) {
                ObjectNode token = added.addObject().put("id", id).put("content", texts[id]);
                for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                    token.put(flag, false);
                }
                token.put("special", special);
            }
        }
    }

    private ObjectNode spaceMarks() {
        ObjectNode replace = Json.MAPPER.createObjectNode().put("type", "Replace");
        replace.putObject("pattern").put("String", " ");
        replace.put("content", SPACE_MARK);
        if (!tables.spacePrefix()) {
            return replace;
        }
        ObjectNode sequence = Json.MAPPER.createObjectNode().put("type", "Sequence");
        ArrayNode steps = sequence.putArray("normalizers");
        steps.addObject().put("type", "Prepend").put("prepend", SPACE_MARK);
        steps.add(replace);
        return sequence;
    }

    private void postProcessor(ObjectNode root) {
        if (!tables.addsBos() || tables.bos() < 0) {
            root.putNull("post_processor");
            return;
        }
        String bos = texts[tables.bos()];
        ObjectNode template = root.putObject("post_processor").put("type", "TemplateProcessing");
        ArrayNode single = template.putArray("single");
        begin(single, bos, 0, "A");
        ArrayNode pair = template.putArray("pair");
        begin(pair, bos, 0, "A");
        begin(pair, bos, 1, "B");
        ObjectNode token = template.putObject("special_tokens").putObject(bos).put("id", bos);
        token.putArray("ids").add(tables.bos());
        token.putArray("tokens").add(bos);
    }

    private static void begin(ArrayNode pieces, String bos, int type, String sequence) {
        pieces.addObject().putObject("SpecialToken").put("id", bos).put("type_id", type);
        pieces.addObject().putObject("Sequence").put("id", sequence).put("type_id", type);
    }

    private static ObjectNode byteLevelDecoder() {
        ObjectNode decoder = Json.MAPPER.createObjectNode().put("type", "ByteLevel");
        return decoder.put("add_prefix_space", true).put("trim_offsets", true).put("use_regex", true);
    }

    private ObjectNode sentencePieceDecoder() {
        ObjectNode decoder = Json.MAPPER.createObjectNode().put("type", "Sequence");
        ArrayNode steps = decoder.putArray("decoders");
        ObjectNode replace = steps.addObject().put("type", "Replace");
        replace.putObject("pattern").put("String", SPACE_MARK);
        replace.put("content", " ");
        steps.addObject().put("type", "ByteFallback");
        steps.addObject().put("type", "Fuse");
        if (tables.spacePrefix()) {
            steps.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
        return decoder;
    }

    private void model(ObjectNode model, boolean sentencePiece) {
        model.put("type", "BPE").putNull("dropout");
        if (tables.unknown() >= 0) {
            model.put("unk_token", texts[tables.unknown()]);
        } else {
            model.putNull("unk_token");
        }
        model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
        model.put("fuse_unk", sentencePiece);
        model.put("byte_fallback", tables.types().contains(TokenizerTables.Type.BYTE));
        model.put("ignore_merges", !sentencePiece && PreTokenizerNames.wholeWords(tables.preTokenizer()));
        ObjectNode vocabulary = model.putObject("vocab");
        for (int id = 0; id < texts.length; id++) {
            if (tables.types().get(id) != TokenizerTables.Type.UNUSED) {
                vocabulary.put(texts[id], id);
            }
        }
        ArrayNode merges = model.putArray("merges");
        if (sentencePiece) {
            mergesFromScores(merges);
        } else {
            for (byte[] merge : tables.merges()) {
                String text = new String(merge, StandardCharsets.UTF_8);
                // The first character can be a space that is no separator.
                int space = text.indexOf(' ', 1);
                if (space > 0) {
                    merges.addArray().add(text.substring(0, space)).add(text.substring(space + 1));
                }
            }
        }
    }

    private record Merge(String left, String right, float score) {}

    private void mergesFromScores(ArrayNode merges) {
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < texts.length; id++) {
            if (tables.types().get(id) == TokenizerTables.Type.NORMAL) {
                ids.put(texts[id], id);
            }
        }
        List<Merge> found = new ArrayList<>();
        for (int id = 0; id < texts.length; id++) {
            if (ids.getOrDefault(texts[id], -1) == id) {
                for (int at = 1; at < texts[id].length(); at++) {
                    String left = texts[id].substring(0, at);
                    String right = texts[id].substring(at);
                    if (ids.containsKey(left) && ids.containsKey(right)) {
                        found.add(new Merge(left, right, tables.scores()[id]));
                    }
                }
            }
        }
        found.sort(Comparator.comparingDouble(Merge::score).reversed());
        found.forEach(merge -> merges.addArray().add(merge.left).add(merge.right));
    }
}
