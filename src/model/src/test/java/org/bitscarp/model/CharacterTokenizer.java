package org.bitscarp.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A byte-level {@code tokenizer.json} without merges, one printable ASCII character a token, for models without one. */
public final class CharacterTokenizer {
    /** Printable characters that the byte alphabet spells as themselves, from 33 on, then the space. */
    private static final int FIRST = 33;

    private static final int LAST = 126;

    private CharacterTokenizer() {}

    /** Copies a model's folder and puts a tokenizer for {@code vocabulary} tokens, at most 95, into the copy. */
    public static Path copyWith(Path folder, Path copy, int vocabulary) throws IOException {
        Files.createDirectories(copy);
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        String tokens = IntStream.range(0, vocabulary)
                .mapToObj(id -> "\"" + token(id) + "\":" + id)
                .collect(Collectors.joining(","));
        Files.writeString(
                copy.resolve("tokenizer.json"),
                "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":null,"
                        + "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
                        + "\"use_regex\":true},\"post_processor\":null,\"decoder\":{\"type\":\"ByteLevel\","
                        + "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},\"model\":{\"type\":\"BPE\","
                        + "\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":null,"
                        + "\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,"
                        + "\"ignore_merges\":false,\"vocab\":{" + tokens + "},\"merges\":[]}}");
        return copy;
    }

    private static String token(int id) {
        int character = FIRST + id;
        if (character > LAST) {
            return "\\u01" + String.format("%02x", 0x20 + character - LAST - 1);
        }
        return switch (character) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            default -> String.valueOf((char) character);
        };
    }
}
