package org.bitscarp.model.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.model.ModelException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON out of untrusted files: strict UTF-8, no duplicate keys, bounded depth, bounded size. */
public final class Json {
    /** The reference parsers (serde_json: 128) stop at a similar depth; real files stay below 10. */
    static final int MAX_DEPTH = 64;

    /** Longest string: a base64 table in a tokenizer can reach some hundred kilobytes. */
    private static final int MAX_STRING = 4 << 20;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(MAX_STRING)
                    .maxNameLength(1 << 16)
                    .maxNumberLength(400)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();

    static final JsonMapper MAPPER = JsonMapper.builder(FACTORY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** A parser over a stream that is JSON text in UTF-8 and nothing else (no detection of other encodings). */
    static JsonParser parser(InputStream in) {
        return MAPPER.createParser(strictReader(in));
    }

    /**
     * A whole file as an object.
     *
     * @param maxBytes a larger file is refused before it is read
     */
    public static ObjectNode readObject(Path file, long maxBytes) throws IOException {
        checkSize(file, maxBytes);
        try (InputStream in = Files.newInputStream(file)) {
            return readObject(file, in);
        }
    }

    /**
     * A stream as an object.
     *
     * @param file where it comes from, for messages
     */
    public static ObjectNode readObject(Path file, InputStream in) throws IOException {
        try (JsonParser parser = parser(in)) {
            JsonNode root = MAPPER.readTree(parser);
            if (!(root instanceof ObjectNode object)) {
                throw new ModelException(file + ": expected a JSON object, found " + kind(root));
            }
            return object;
        } catch (JacksonException e) {
            throw invalid(file, e);
        }
    }

    static void checkSize(Path file, long maxBytes) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new ModelException(
                    file + ": expected a file, found " + (Files.exists(file) ? "a folder" : "nothing"));
        }
        long size = Files.size(file);
        if (size > maxBytes) {
            throw new ModelException(file + ": " + size + " bytes; expected at most " + maxBytes
                    + ", so this is not the file it should be");
        }
    }

    static ModelException invalid(Path file, JacksonException e) {
        if (e.getCause() instanceof CharacterCodingException) {
            return new ModelException(file + ": not UTF-8 text, so not valid JSON; download the file again", e);
        }
        String where = e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
        return new ModelException(file + ": not valid JSON" + where + ": " + e.getOriginalMessage(), e);
    }

    /** What a node is, for messages: its text where that is short. */
    public static String kind(JsonNode node) {
        if (node == null || node.isMissingNode()) {
            return "nothing";
        }
        if (node.isObject()) {
            return "an object";
        }
        if (node.isArray()) {
            return "an array of " + node.size();
        }
        String text = node.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    private static Reader strictReader(InputStream in) {
        return new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
    }
}
