package org.bitscarp.datasets.tasks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.bitscarp.datasets.TextException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads a file of questions: one JSON array, or one JSON object a line. */
public final class TaskFile {
    /** HellaSwag's largest split has 60 MB. */
    private static final long MAX_BYTES = 256L << 20;

    private TaskFile() {}

    /**
     * Reads all questions; the layout is told from the first one.
     *
     * @throws TextException when the file is absent, of no known layout, or a question in it has none of what it needs
     */
    public static Task read(Path file) throws IOException {
        byte[] bytes = bytes(file);
        List<JsonNode> rows = rows(file, utf8(file, bytes));
        if (rows.isEmpty()) {
            throw new TextException("task " + file + " holds no question");
        }
        TaskLayout layout = Arrays.stream(TaskLayout.values())
                .filter(l -> l.fits(rows.getFirst()))
                .findFirst()
                .orElseThrow(
                        () -> new TextException(
                                "task " + file + ": its first question has the keys "
                                        + rows.getFirst().propertyNames() + "; known layouts: "
                                        + Arrays.stream(TaskLayout.values())
                                                .map(TaskLayout::text)
                                                .collect(Collectors.joining(", "))
                                        + "; the simplest is {\"question\": \"…\", \"choices\": [\"…\", \"…\"], \"answer\": 0}, one a line"));
        List<Question> questions = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            try {
                questions.add(layout.read(rows.get(i)));
            } catch (IllegalArgumentException e) {
                throw new TextException(
                        "task " + file + ", question " + (i + 1) + " (layout " + layout.text() + "): " + e.getMessage(),
                        e);
            }
        }
        return new Task(file.getFileName().toString(), layout, sha256(bytes), questions);
    }

    private static byte[] bytes(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new TextException("no task file " + file);
        }
        long size = Files.size(file);
        if (size > MAX_BYTES) {
            throw new TextException("task " + file + " has " + size + " bytes; up to " + MAX_BYTES + " can be read");
        }
        return Files.readAllBytes(file);
    }

    private static String utf8(Path file, byte[] bytes) throws TextException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new TextException("task " + file + " is not UTF-8", e);
        }
    }

    private static List<JsonNode> rows(Path file, String text) throws TextException {
        List<JsonNode> rows = new ArrayList<>();
        if (text.stripLeading().startsWith("[")) {
            parse(file, text, "the file").forEach(rows::add);
            return rows;
        }
        int number = 0;
        for (String line : text.split("\n")) {
            number++;
            if (!line.isBlank()) {
                rows.add(parse(file, line, "line " + number));
            }
        }
        return rows;
    }

    private static JsonNode parse(Path file, String json, String where) throws TextException {
        try {
            return JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new TextException(
                    "task " + file + ": " + where + " is not JSON: " + e.getOriginalMessage()
                            + "; expected an array of objects, or one object a line",
                    e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
