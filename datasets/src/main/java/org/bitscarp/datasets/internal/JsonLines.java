package org.bitscarp.datasets.internal;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.bitscarp.datasets.TextException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON objects, one a line (jsonlines.org), plain or gzipped, as C4 is published. */
final class JsonLines {
    /** Longest line: the longest document of C4 has below a million characters. */
    private static final int MAX_LINE = 64 << 20;

    private JsonLines() {}

    static boolean in(String name) {
        String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
        return plain.endsWith(".jsonl") || plain.endsWith(".ndjson") || plain.endsWith(".json");
    }

    static void read(Path file, Rows rows) throws IOException {
        int number = 0;
        try (InputStream raw = Files.newInputStream(file);
                InputStream in =
                        file.toString().toLowerCase(java.util.Locale.ROOT).endsWith(".gz")
                                ? new GZIPInputStream(raw, 1 << 16)
                                : raw;
                BufferedReader lines = new BufferedReader(utf8(in))) {
            String line;
            while (rows.wanted() && (line = line(lines, file)) != null) {
                number++;
                if (!line.isBlank()) {
                    rows.add(text(file, number, line));
                }
            }
        } catch (CharacterCodingException e) {
            throw new TextException(file + ": not UTF-8 after line " + number, e);
        } catch (ZipException | java.io.EOFException e) {
            throw new TextException(file + ": damaged gzip data after line " + number + "; get the file again", e);
        }
    }

    private static Reader utf8(InputStream in) {
        return new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
    }

    /** As {@link BufferedReader#readLine}, which has no limit. */
    private static String line(BufferedReader lines, Path file) throws IOException {
        StringBuilder line = new StringBuilder();
        int c = lines.read();
        if (c < 0) {
            return null;
        }
        for (; c >= 0 && c != '\n'; c = lines.read()) {
            line.append((char) c);
            if (line.length() > MAX_LINE) {
                throw new TextException(file + ": a line has more than " + MAX_LINE
                        + " characters; expected one JSON object a line (a JSON array is none)");
            }
        }
        return line.toString();
    }

    private static String text(Path file, int number, String line) throws TextException {
        JsonNode object;
        try {
            object = JsonMapper.shared().readTree(line);
        } catch (JacksonException e) {
            throw new TextException(
                    file + ": line " + number + " is no JSON object: " + e.getOriginalMessage()
                            + "; expected one object a line",
                    e);
        }
        for (String column : Rows.COLUMNS) {
            JsonNode value = object.get(column);
            if (value != null && (value.isString() || value.isNull())) {
                return value.isNull() ? null : value.asString();
            }
        }
        throw new TextException(file + ": line " + number + " has no text under any of " + Rows.COLUMNS
                + (object.isObject() ? ", only " + object.propertyNames() : ""));
    }
}
