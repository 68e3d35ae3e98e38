package org.bitscarp.model.internal.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.model.GgufBytes;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TinyGguf;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufTokenizersTest {
    private static final int T = 260;

    @TempDir
    Path folder;

    private Tokenizer open(GgufBytes file) throws IOException {
        return GgmlVocabTest.open(Files.write(folder.resolve("t.gguf"), file.build()));
    }

    private void refused(GgufBytes file, String words) {
        String message = assertThrows(ModelException.class, () -> open(file)).getMessage();
        assertTrue(message.contains(words), message);
    }

    private static GgufBytes bytes() {
        return TinyGguf.tokenizer(new GgufBytes());
    }

    private static GgufBytes pieces() {
        return TinyGguf.sentencePieces(new GgufBytes());
    }

    @Test
    void sentencePieces() throws IOException {
        try (Tokenizer tokenizer = open(pieces())) {
            // "th" (score -6) merges before "he" (-7) and "▁t" (-10); a space goes before the text.
            assertArrayEquals(new int[] {T + 8}, tokenizer.encode("the", false));
            assertArrayEquals(new int[] {1, T + 8, T + 8}, tokenizer.encode("the the", true));
            assertArrayEquals(
                    new int[] {T + 11, 3 + 0xE6, 3 + 0x97, 3 + 0xA5}, tokenizer.encode(" 日", false), "byte fallback");
            // After a user-defined token comes a space again.
            assertArrayEquals(new int[] {T + 12, T + 8}, tokenizer.encode("<special>the", false));
            assertArrayEquals(new int[0], tokenizer.encode("", false));
            assertEquals("the <special>", tokenizer.decode(tokenizer.encode("the <special>", true)));
            assertEquals("the 日\n", tokenizer.decode(tokenizer.encode("the 日\n", true)));
            assertTrue(tokenizer.addsBos());
            assertEquals(1, tokenizer.bos());
        }
        try (Tokenizer tokenizer = open(pieces().bool("tokenizer.ggml.add_space_prefix", false)
                .bool("tokenizer.ggml.add_bos_token", false)
                .bool("tokenizer.ggml.add_eos_token", true))) {
            assertArrayEquals(new int[] {T + 7, 2}, tokenizer.encode("the", true));
            assertFalse(tokenizer.addsBos());
            assertEquals(" the", tokenizer.decode(tokenizer.encode(" the", true)));
        }
    }

    @Test
    void byteLevelDefaults() throws IOException {
        try (Tokenizer tokenizer =
                open(bytes().string("tokenizer.ggml.pre", "llama-bpe").remove("tokenizer.ggml.add_bos_token"))) {
            assertTrue(tokenizer.addsBos(), "as llama.cpp does for llama-bpe");
            assertArrayEquals(new int[] {0, 259}, tokenizer.encode(" the", true));
        }
        try (Tokenizer tokenizer =
                open(bytes().remove("tokenizer.ggml.add_bos_token").remove("tokenizer.ggml.bos_token_id"))) {
            assertFalse(tokenizer.addsBos());
            assertEquals(-1, tokenizer.bos());
        }
    }

    @Test
    void controlTokensAreNotReadFromText() throws IOException {
        try (Tokenizer tokenizer = open(bytes())) {
            assertEquals(13, tokenizer.encode("<|endoftext|>", false).length);
            assertArrayEquals(new int[] {260}, tokenizer.encode("<special>", false));
            assertEquals("", tokenizer.decode(new int[] {0}));
        }
    }

    @Test
    void hashCoversWhatDefinesTheTokenizer() throws IOException {
        String original = open(bytes()).sha256();
        assertEquals(
                original, open(bytes().string("tokenizer.chat_template", "{}")).sha256());
        assertNotEquals(
                original, open(bytes().string("tokenizer.ggml.pre", "qwen2")).sha256());
        assertNotEquals(
                original,
                open(bytes().strings("tokenizer.ggml.merges", List.of("t h"))).sha256());
    }

    @Test
    void refusals() {
        refused(bytes().string("tokenizer.ggml.pre", "gemma4"), "pre-tokenizer gemma4");
        refused(bytes().string("tokenizer.ggml.model", "no_vocab"), "has no tokenizer");
        refused(bytes().string("tokenizer.ggml.model", "t5"), "t5 is not supported; supported: llama, gpt2");
        refused(bytes().remove("tokenizer.ggml.model"), "tokenizer.ggml.model is missing");
        refused(bytes().remove("tokenizer.ggml.tokens"), "tokenizer.ggml.tokens is missing");
        refused(bytes().remove("tokenizer.ggml.merges"), "tokenizer.ggml.merges is missing");
        refused(bytes().ints("tokenizer.ggml.merges", 1), "an array of 1 INT32");
        refused(bytes().ints("tokenizer.ggml.token_type", 1, 1), "2 values in tokenizer.ggml.token_type for 261");
        refused(bytes().strings("tokenizer.ggml.tokens", List.of("a", "b", "a")), "tokens 0 and 2 are both \"a\"");
        refused(pieces().floats("tokenizer.ggml.scores", 1), "1 values in tokenizer.ggml.scores");
        refused(pieces().floats("tokenizer.ggml.scores", Float.NaN), "is not a number");
    }

    private static void words(String pre, String text, String... expected) {
        List<String> words = new ArrayList<>();
        PreTokenizer.of(pre).orElseThrow().words(text, (from, to) -> words.add(text.substring(from, to)));
        assertEquals(List.of(expected), words, pre);
    }

    @Test
    void words() {
        words("gpt-2", "I'm 12345, x'S", "I", "'m", " 12345", ",", " x", "'", "S");
        words("smollm", "ab 123", "ab", " ", "1", "2", "3");
        words("llama-bpe", "I'M 12345 x=1", "I", "'M", " ", "123", "45", " x", "=", "1");
        words("qwen2", "a 12  b\n", "a", " ", "1", "2", " ", " b", "\n");
        words("deepseek-v3", "x_y 1234", "x", "_y", " ", "123", "4");
        words("deepseek-llm", "ab 12é\n ", "ab", " ", "12", "é", "\n", " ");
        words("tekken", "camelCase ABc", "camel", "Case", " ABc");
        words("gpt-4o", "camelCase's", "camel", "Case's");
        words("default", "a 1234!", "a", " ", "123", "4", "!");
        words("bloom", "a, bc", "a", ",", " bc");
    }

    @Test
    void longRunsNeitherOverflowTheStackNorTakeLong() {
        for (String unit : List.of("a", "A", "1", " ", "\n", "!", "日", "é", "'", "\u0301", " \n", "aA")) {
            String text = unit.repeat(200_000);
            for (PreTokenizer pre : PreTokenizer.values()) {
                int[] end = new int[1];
                pre.words(text, (from, to) -> {
                    assertEquals(end[0], from);
                    end[0] = to;
                });
                assertEquals(text.length(), end[0], pre + " covers the text");
            }
        }
    }
}
