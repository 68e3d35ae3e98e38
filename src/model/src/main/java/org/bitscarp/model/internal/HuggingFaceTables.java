package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;
import tools.jackson.databind.JsonNode;

/**
 * A {@code tokenizer.json} taken apart. Byte-pair models are of two kinds: byte-level ones keep their merges; those that
 * SentencePiece made, with U+2581 for spaces, get scores by which its algorithm merges in the same order.
 */
final class HuggingFaceTables {
    private static final String SPACE_MARK = "\u2581";

    private final Path file;
    private final JsonNode root;
    private final String[] texts;
    private final TokenizerTables.Type[] types;

    private HuggingFaceTables(Path file, JsonNode root, int size) {
        this.file = file;
        this.root = root;
        texts = new String[size];
        types = new TokenizerTables.Type[size];
        Arrays.fill(types, TokenizerTables.Type.UNUSED);
    }

    static TokenizerTables read(Path folder, int size) throws IOException {
        Path file = folder.resolve(HuggingFaceTokenizers.FILE);
        try (Tokenizer tokenizer = HuggingFaceTokenizers.openFolder(folder)) {
            JsonNode root = Json.MAPPER.readTree(TokenizerJson.read(file).text());
            return new HuggingFaceTables(file, root, size).read(folder, tokenizer);
        }
    }

    private TokenizerTables read(Path folder, Tokenizer tokenizer) throws IOException {
        JsonNode model = root.path("model");
        if (!model.path("type").stringValue("").equals("BPE")) {
            throw new ModelException(file + ": a tokenizer of type " + Json.kind(model.path("type"))
                    + " cannot be written into a GGUF file; supported: BPE");
        }
        vocabulary(model);
        boolean sentencePiece = sentencePiece();
        int eos = eos(folder);
        if (sentencePiece) {
            return new TokenizerTables(
                    TokenizerTables.Kind.SENTENCE_PIECE,
                    tokens(),
                    List.of(types),
                    scores(model),
                    List.of(),
                    null,
                    tokenizer.bos(),
                    eos,
                    id(model.path("unk_token").stringValue(null)),
                    tokenizer.addsBos(),
                    prependsSpace());
        }
        return new TokenizerTables(
                TokenizerTables.Kind.BYTE_LEVEL,
                tokens(),
                List.of(types),
                null,
                merges(model),
                PreTokenizerNames.of(
                        file,
                        root.path("pre_tokenizer"),
                        model.path("ignore_merges").booleanValue(false)),
                tokenizer.bos(),
                eos,
                -1,
                tokenizer.addsBos(),
                false);
    }

    private void vocabulary(JsonNode model) throws ModelException {
        for (Map.Entry<String, JsonNode> entry : model.path("vocab").properties()) {
            String text = entry.getKey();
            boolean isByte = text.matches("<0x[0-9A-F]{2}>");
            put(
                    entry.getValue().intValue(),
                    text,
                    text.equals(model.path("unk_token").stringValue(null))
                            ? TokenizerTables.Type.UNKNOWN
                            : isByte ? TokenizerTables.Type.BYTE : TokenizerTables.Type.NORMAL);
        }
        for (JsonNode added : root.path("added_tokens")) {
            int id = added.path("id").intValue();
            boolean unknown = id < types.length && types[id] == TokenizerTables.Type.UNKNOWN;
            boolean special = added.path("special").booleanValue();
            put(
                    id,
                    added.path("content").stringValue(),
                    unknown
                            ? TokenizerTables.Type.UNKNOWN
                            : special ? TokenizerTables.Type.CONTROL : TokenizerTables.Type.USER_DEFINED);
        }
    }

    private void put(int id, String text, TokenizerTables.Type type) throws ModelException {
        if (id >= texts.length) {
            throw new ModelException(file + ": token " + id + " has no row in the embedding, which has " + texts.length
                    + "; a GGUF file cannot hold such a tokenizer");
        }
        texts[id] = text;
        types[id] = type;
    }

    /** Rows of the embedding that no token has get names nobody writes. */
    private List<byte[]> tokens() {
        List<byte[]> tokens = new ArrayList<>(texts.length);
        for (int id = 0; id < texts.length; id++) {
            String text = texts[id] == null ? "[PAD" + id + "]" : texts[id];
            tokens.add(text.getBytes(StandardCharsets.UTF_8));
        }
        return tokens;
    }

    private boolean sentencePiece() throws ModelException {
        boolean marks = components("normalizer").stream()
                        .anyMatch(n -> n.path("content").stringValue("").equals(SPACE_MARK))
                || components("pre_tokenizer").stream()
                        .anyMatch(n -> n.path("type").stringValue("").equals("Metaspace"));
        boolean bytes = components("pre_tokenizer").stream()
                .anyMatch(n -> n.path("type").stringValue("").equals("ByteLevel"));
        if (marks == bytes) {
            throw new ModelException(file + ": neither a byte-level tokenizer nor one of SentencePiece's kind, so"
                    + " llama.cpp has none like it");
        }
        return marks;
    }

    private boolean prependsSpace() {
        boolean normalizer = components("normalizer").stream()
                .anyMatch(n -> n.path("type").stringValue("").equals("Prepend"));
        boolean metaspace = components("pre_tokenizer").stream()
                .anyMatch(n -> n.path("type").stringValue("").equals("Metaspace")
                        && !n.path("prepend_scheme").stringValue("always").equals("never"));
        return normalizer || metaspace;
    }

    /** The parts of a step, which may be one or a sequence. */
    private List<JsonNode> components(String step) {
        return PreTokenizerNames.parts(root.path(step));
    }

    /** A token's score is the rank of the first merge that makes it, negated: better is earlier, as in SentencePiece. */
    private float[] scores(JsonNode model) {
        Map<String, Integer> ranks = new HashMap<>();
        JsonNode merges = model.path("merges");
        for (int rank = 0; rank < merges.size(); rank++) {
            JsonNode pair = merges.get(rank);
            ranks.putIfAbsent(pair.get(0).stringValue() + pair.get(1).stringValue(), rank);
        }
        float[] scores = new float[texts.length];
        for (int id = 0; id < scores.length; id++) {
            boolean normal = types[id] == TokenizerTables.Type.NORMAL;
            scores[id] = normal ? -ranks.getOrDefault(texts[id], merges.size()) : 0;
        }
        return scores;
    }

    private static List<byte[]> merges(JsonNode model) {
        List<byte[]> merges = new ArrayList<>();
        for (JsonNode pair : model.path("merges")) {
            merges.add((pair.get(0).stringValue() + " " + pair.get(1).stringValue()).getBytes(StandardCharsets.UTF_8));
        }
        return merges;
    }

    private int eos(Path folder) throws IOException {
        String text = HuggingFaceTokenizers.special(folder, "eos_token");
        if (id(text) >= 0) {
            return id(text);
        }
        Path config = folder.resolve(HuggingFaceReader.CONFIG);
        JsonNode value =
                Json.readObject(config, HuggingFaceReader.MAX_CONFIG_BYTES).path("eos_token_id");
        JsonNode first = value.isArray() ? value.path(0) : value;
        return first.canConvertToInt() && first.intValue() >= 0 && first.intValue() < texts.length
                ? first.intValue()
                : -1;
    }

    private int id(String text) {
        for (int id = 0; text != null && id < texts.length; id++) {
            if (text.equals(texts[id])) {
                return id;
            }
        }
        return -1;
    }
}
