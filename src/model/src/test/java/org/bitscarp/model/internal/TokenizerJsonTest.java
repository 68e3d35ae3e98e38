package org.bitscarp.model.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Mutations;
import org.bitscarp.model.SharedFiles;
import org.bitscarp.model.TinyTokenizer;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerJsonTest {
    private static final Duration NO_HANG = Duration.ofMinutes(5);
    private static final long SEED = 4096;
    private static final String TEXT = "Once upon a time — naïve 😀\n\n  \t<|endoftext|> 12345 the\0end";

    @TempDir
    Path folder;

    private Tokenizer open(String json) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), json);
        return HuggingFaceTokenizers.open(folder, 0);
    }

    private void refused(String json, String message) {
        String found =
                assertThrows(ModelException.class, () -> open(json).close()).getMessage();
        assertTrue(found.contains(message) && found.contains("tokenizer.json"), found);
        assertEquals(1, found.lines().count());
    }

    @Test
    void tinyTokenizer() throws IOException {
        try (Tokenizer plain = open(TinyTokenizer.json(false));
                Tokenizer withBos = open(TinyTokenizer.json(true))) {
            assertFalse(plain.addsBos());
            assertTrue(withBos.addsBos());
            assertEquals(0, withBos.bos());
            int[] ids = plain.encode("the end", false);
            assertArrayEquals(ids, withBos.encode("the end", false));
            assertArrayEquals(ids, plain.encode("the end", true));
            assertEquals(ids.length + 1, withBos.encode("the end", true).length);
            assertEquals("the end", plain.decode(ids));
            // Byte-level: é is two of the 256 byte tokens.
            assertEquals(2, plain.encode("é", false).length);
            assertEquals(Hashes.sha256(TinyTokenizer.json(true).getBytes(StandardCharsets.UTF_8)), withBos.sha256());
            // Half a surrogate pair becomes U+FFFD.
            assertArrayEquals(plain.encode("a\uFFFDb", false), plain.encode("a\uD800b", false));
        }
    }

    @Test
    void closedTokenizersSaySo() throws IOException {
        Tokenizer tokenizer = open(TinyTokenizer.json(false));
        tokenizer.close();
        tokenizer.close();
        assertThrows(IllegalStateException.class, () -> tokenizer.encode("a", false));
    }

    /** Lengths and hashes of the comma-separated ids: Python tokenizers 0.23.2, truncation and padding off. */
    @ParameterizedTest
    @CsvSource({
        "models/TinyStories-656K, 87889, 8617deebdc31319c5dc6ea7c7630954407b26e3e782ed0f0e00d35a4f83e080b",
        "tokenizers/smollm2, 90198, f2d4874ecfd303f66e831f2015eb21cff2e1b28610bdbf29229c70222ef07944",
        "tokenizers/gpt2, 90501, 6961d2c3dc6ca700b2510620b244c1621e92410f44397d80da25074feb5e95d7",
        "tokenizers/mistral32k, 93798, f060aa5b55ee8b89053568d4c190933568c676d374ce3a30c6374bac119030fb",
    })
    void publishedTokenizers(String name, int count, String sha256) throws IOException {
        String text = Files.readString(SharedFiles.require("text/heldout_stories.txt"));
        try (Tokenizer tokenizer = HuggingFaceTokenizers.open(SharedFiles.require(name), -1)) {
            int[] ids = tokenizer.encode(text, true);
            assertEquals(count, ids.length);
            String joined = Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(","));
            assertEquals(sha256, Hashes.sha256(joined.getBytes(StandardCharsets.UTF_8)));
        }
    }

    @Test
    void theBosTokenOfTheTokenizerWinsOverTheConfig() throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": {\"content\": \"the\"}}");
        try (Tokenizer tokenizer = open(TinyTokenizer.json(true))) {
            assertEquals("the", tokenizer.decode(new int[] {tokenizer.bos()}));
            assertFalse(tokenizer.addsBos());
        }
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": \"nowhere\"}");
        try (Tokenizer tokenizer = open(TinyTokenizer.json(true))) {
            assertEquals(0, tokenizer.bos());
        }
    }

    @Test
    void aMissingFileIsNamed() {
        String found = assertThrows(ModelException.class, () -> HuggingFaceTokenizers.open(folder, 0))
                .getMessage();
        assertTrue(found.contains("no tokenizer.json"), found);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            value = {
                "\"dropout\": null§\"dropout\": 0.5§model.dropout",
                "\"type\": \"BPE\"§\"type\": \"BPX\"§model.type: expected BPE, Unigram, WordPiece or WordLevel, found \"BPX\"",
                "\"A\": 66§\"A\": -1§model.vocab \"A\": expected an integer from 0 to 16777215, found -1",
                "\"A\": 66§\"A\": 1e3§model.vocab \"A\": expected an integer",
                "\"A\": 66§\"A\": 16777216§model.vocab \"A\": expected an integer",
                "\"A\": 66§\"A\": 67§id 67 is used twice",
                "\"A\": 66§\"B\": 66§Duplicate",
                "\"A\": 66§\"\\ud800\": 66§surrogate pair",
                "\"t h\"§\"t nowhere\"§model.merges[0]: \"nowhere\" is not in the vocabulary",
                "\"t h\"§\"th\"§two pieces with a space",
                "\"t h\"§[\"t\"]§model.merges[0]: expected a string",
                "\"continuing_subword_prefix\": null§\"continuing_subword_prefix\": \"##\"§does not begin with continuing_subword_prefix",
                "[{\"id\": 0, \"content\"§[{\"id\": 7, \"content\"§in the vocabulary it has 0",
                "\"special\": true§\"special\": 1§added_tokens[0].special: expected true or false, found 1",
                "\"content\": \"<|endoftext|>\", \"single§\"content\": \"\", \"single§is empty",
                "\"type\": \"NFC\"§\"type\": \"Precompiled\"§normalizer.normalizers[1].type: \"Precompiled\" is not supported",
                "{\"String\": \"\\t\"}§{\"String\": \"\"}§expected some text",
                "\"stop\": 0§\"stop\": 1§decoder.decoders[1].stop: expected an integer from 0 to 0, found 1",
                "\"content\": \"_\", \"start\"§\"content\": \"__\", \"start\"§expected one character",
                "\"Sequence\": {\"id\": \"A\"§\"Sequence\": {\"id\": \"B\"§post_processor.single[1]",
                "{\"SpecialToken\": {\"id\": \"<§{\"SpecialToken\": {\"id\": \"#§is not in special_tokens",
                "{\"type\": \"NFC\"}§{\"type\": \"Prepend\", \"prepend\": \"\"}§normalizers[1].prepend: expected some text",
                "\"content\": \" \"}§\"content\": \"\"}§normalizers[0].content: expected some text",
                "{\"type\": \"NFC\"}§{\"type\": \"StripAccents\"}§\"StripAccents\" is not supported",
                "{\"String\": \"\\t\"}§{\"Regex\": \"\\\\A\"}§expected {\"String\": …}",
                "\"unk_token\": null§\"unk_token\": \"nowhere\"§model.unk_token: expected a piece of the vocabulary",
                "{\"type\": \"TemplateProcessing\"§{\"type\": \"BertProcessing\"§post_processor.type",
                "\"ids\": [0]§\"ids\": []§as many ids as tokens",
            })
    void whatCouldPanicIsRefused(String from, String to, String message) {
        String json = TinyTokenizer.json(true);
        assertTrue(json.contains(from), "the test is up to date: " + from);
        int at = json.indexOf(from);
        refused(json.substring(0, at) + to + json.substring(at + from.length()), message);
    }

    /** Patterns of GPT-2, Llama 3, Qwen 2, GPT-4o, DeepSeek and Falcon, as their tokenizer.json files have them. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\s+",
                "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+",
                "[0-9][0-9][0-9]",
                "\\p{N}{1,3}",
                "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s+",
                " ?[^(\\s|[.,!?…。，、।۔،])]+",
                "[一-龥぀-ゟ゠-ヿ]+",
                "(?:'[sS]|'[tT])?|(?i)abc",
                "[]a-z]+x|[^]]*y|[a[bc]]+",
            })
    void regexesOfPublishedTokenizersPass(String regex) {
        assertDoesNotThrow(() -> RegexGuard.check(regex, "pattern"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a+)+b",
                "(a|b*)*c",
                "(?:x{1,9}){2,}",
                "((a*)b)+",
                "a**",
                "(a)\\1",
                "\\k<n>",
                "(?<n>a)",
                "\\g<1>",
                "(?{x})",
                "(*FAIL)",
                "\\s*\\s*x",
                "a*a*a*",
                "(?=a*a*a*)a",
                "(a|a)*b",
                "(a|aa)+$",
                "a{1,1000}a{1,1000}b",
                "a?a?a?a?a?a?a?a?a?a?a",
                "(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)",
                "(a?){25}",
                "(?>a",
                "a)",
                "[a",
                "",
                "(?i)(a+)+b",
                "+",
                "a{2}{3}*",
                "(a*b*)c",
                "\\X"
            })
    void regexesThatCanRunForLongAreRefused(String regex) {
        assertThrows(Refusal.class, () -> RegexGuard.check(regex, "pattern"));
    }

    @Test
    void damagedFilesAreRefusedOrChecked() {
        String json = TinyTokenizer.json(true);
        assertTimeoutPreemptively(NO_HANG, () -> {
            int refused = 0;
            for (int i = 0; i < 10_000; i++) {
                long seed = SEED + i;
                Path file = folder.resolve("tokenizer.json");
                Files.writeString(file, Mutations.json(json, new SplittableRandom(seed)));
                try {
                    TokenizerJson.read(file);
                } catch (ModelException e) {
                    refused++;
                    assertEquals(1, e.getMessage().lines().count(), () -> "seed " + seed);
                    assertTrue(e.getMessage().contains("tokenizer.json"), () -> "seed " + seed);
                } catch (RuntimeException | StackOverflowError e) {
                    throw new AssertionError("seed " + seed + ": " + e, e);
                }
            }
            assertTrue(refused > 1000, "damage is noticed: " + refused);
        });
    }

    /** A panic of the native library would end this JVM, so that the test run fails as a whole. */
    @Test
    void damagedFilesNeverReachThePanicsOfTheLibrary() {
        String json = TinyTokenizer.json(true);
        assertTimeoutPreemptively(NO_HANG, () -> {
            int opened = 0;
            for (int i = 0; i < 1500; i++) {
                long seed = SEED + 20_000 + i;
                try (Tokenizer tokenizer = open(Mutations.json(json, new SplittableRandom(seed)))) {
                    int[] ids = tokenizer.encode(TEXT, true);
                    tokenizer.decode(ids);
                    opened++;
                } catch (ModelException e) {
                    assertEquals(1, e.getMessage().lines().count(), () -> "seed " + seed);
                } catch (RuntimeException e) {
                    throw new AssertionError("seed " + seed + ": " + e, e);
                }
            }
            assertTrue(opened > 100, "some damage is harmless: " + opened);
        });
    }
}
