package org.bitscarp.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bitscarp.datasets.internal.Rows;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Files of rows, against what pyarrow and Python make of the same rows (fixtures in {@code rows}). */
class RowsTest {
    private static final Path FIXTURES = Path.of("src/test/resources/rows");

    @TempDir
    Path folder;

    private static Corpora corpora(HubFiles hub, Path... folders) {
        return new Corpora(Path.of("text"), List.of(folders), hub);
    }

    private static JsonNode joined() throws IOException {
        return JsonMapper.shared().readTree(Files.readAllBytes(FIXTURES.resolve("joined.json")));
    }

    static List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(FIXTURES)) {
            List<Path> files = all.filter(f -> f.toString().matches(".*(-v[12]\\.parquet|rows\\..*)"))
                    .sorted()
                    .toList();
            assertEquals(20, files.size(), "4 codecs, 2 encodings, 2 page versions; 2 delta encodings; lines of JSON");
            return files;
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void everyEncodingGivesTheSameText(Path file) throws IOException {
        Corpus corpus = corpora(HubFiles.NONE).read(file.toString());
        assertEquals(joined().get("PARAGRAPHS").asString(), corpus.text());
        assertEquals(file.getFileName() + " (rows joined by \\n\\n)", corpus.name());
    }

    @Test
    void rulesJoinAsPythonDoes() throws IOException {
        List<String> rows = Rows.read(FIXTURES.resolve("snappy-dictionary-v1.parquet"), Integer.MAX_VALUE, 1 << 20);
        assertEquals(joined().get("PARAGRAPHS").asString(), JoinRule.PARAGRAPHS.join(rows));
        assertEquals(joined().get("LINES").asString(), JoinRule.LINES.join(rows));
        assertEquals(joined().get("C4").asString(), JoinRule.C4.join(rows));
        assertEquals(joined().get("SENTENCES").asString(), JoinRule.SENTENCES.join(rows));
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 1200; i++) {
            many.add("" + i);
        }
        assertTrue(JoinRule.C4.join(many).endsWith(" 1098 1099"), "1100 documents and no more");
    }

    /** The rows of WikiText-2 as its builder cut them from the file that llama.cpp measures on. */
    @Test
    void linesGiveTheOriginalFile() throws IOException {
        Path original = Path.of("../../shared/text/wiki.test.raw");
        assumeTrue(Files.exists(original), "no " + original);
        String text = Files.readString(original);
        List<String> rows = new ArrayList<>();
        for (String line : text.split("(?<=\n)")) {
            rows.add(line.isBlank() ? "" : line);
        }
        assertEquals(4358, rows.size(), "rows of the test part, as its card says");
        assertEquals(text, JoinRule.LINES.join(rows));
    }

    @Test
    void dataSetsComeFromTheHubByTheRuleOfThePapers() throws IOException {
        List<String> asked = new ArrayList<>();
        Corpora corpora = corpora(
                reference -> {
                    asked.add(reference);
                    return FIXTURES.resolve(reference.endsWith(".gz") ? "rows.json.gz" : "zstd-plain-v2.parquet");
                },
                folder);
        Corpus wikitext = corpora.read("wikitext2");
        assertEquals("wikitext2 (rows joined by \\n\\n)", wikitext.name());
        assertEquals(joined().get("PARAGRAPHS").asString(), wikitext.text());
        assertEquals(
                joined().get("LINES").asString(), corpora.read("wikitext2-raw").text());
        Corpus c4 = corpora.read("c4");
        assertEquals("c4 (first 1100 rows joined by a space)", c4.name());
        assertEquals(joined().get("C4").asString(), c4.text());
        corpora.read("wikitext2-train");
        Corpus ptb = corpora.read("ptb");
        assertEquals("ptb (rows joined by a space)", ptb.name());
        assertEquals(joined().get("SENTENCES").asString(), ptb.text());
        assertEquals(
                List.of(
                        "hf:datasets/Salesforce/wikitext/wikitext-2-raw-v1/test-00000-of-00001.parquet",
                        "hf:datasets/Salesforce/wikitext/wikitext-2-raw-v1/test-00000-of-00001.parquet",
                        "hf:datasets/allenai/c4/en/c4-validation.00000-of-00008.json.gz",
                        "hf:datasets/Salesforce/wikitext/wikitext-2-raw-v1/train-00000-of-00001.parquet",
                        "hf:datasets/ptb-text-only/ptb_text_only@refs/convert/parquet/penn_treebank/test/0000.parquet"),
                asked);
        asked.clear();
        Files.writeString(folder.resolve("wiki.test.raw"), " = Title = \n");
        assertEquals(" = Title = \n", corpora.read("wikitext2").text());
        assertEquals(List.of(), asked, "a file in a folder goes before the hub");
    }

    @Test
    void filesOfAHubAreReadByTheirKind() throws IOException {
        Path plain = Files.writeString(folder.resolve("a.txt"), "plain");
        assertEquals("plain", corpora(r -> plain).read("hf:datasets/o/n/a.txt").text());
        Corpus rows = corpora(r -> FIXTURES.resolve("sentences.parquet")).read("hf:datasets/o/n/x.parquet");
        assertEquals("the first\n\nthe second", rows.text());
        assertTrue(rows.name().startsWith("hf:datasets/o/n/x.parquet ("), rows.name());
        assertThrows(TextException.class, () -> corpora(HubFiles.NONE).read("hf:datasets/o/n/x.parquet"));
    }

    @Test
    void columnsWithoutTextAreNamed() throws IOException {
        String parquet = failure(FIXTURES.resolve("numbers.parquet"));
        assertTrue(parquet.contains("label"), parquet);
        String json = failure(Files.writeString(folder.resolve("x.jsonl"), "{\"text\":\"a\"}\n{\"body\":\"b\"}\n"));
        assertTrue(json.contains("line 2") && json.contains("body"), json);
        String array = failure(Files.writeString(folder.resolve("x.json"), "[\n{\"text\":\"a\"}\n]"));
        assertTrue(array.contains("line 1") && array.contains("one object a line"), array);
    }

    private static String failure(Path file) {
        return assertThrows(TextException.class, () -> corpora(HubFiles.NONE).read(file.toString()))
                .getMessage();
    }

    @Test
    void moreTextThanFitsIsRefused() {
        assertThrows(TextException.class, () -> Rows.read(FIXTURES.resolve("rows.jsonl"), Integer.MAX_VALUE, 500));
    }

    @Test
    void damagedLinesAreRefused() throws IOException {
        byte[] gzip = Files.readAllBytes(FIXTURES.resolve("rows.json.gz"));
        assertTrue(failure(Files.write(folder.resolve("cut.json.gz"), Arrays.copyOf(gzip, gzip.length / 2)))
                .contains("gzip"));
        assertTrue(
                failure(Files.writeString(folder.resolve("no.json.gz"), "{}")).contains("gzip"));
        byte[] latin1 = "{\"text\":\"caf\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertTrue(failure(Files.write(folder.resolve("latin1.jsonl"), latin1)).contains("UTF-8"));
        assertTrue(failure(Files.createFile(folder.resolve("empty.jsonl"))).contains("no text"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "snappy-dictionary-v1.parquet",
                "zstd-plain-v2.parquet",
                "gzip-dictionary-v2.parquet",
                "none-plain-v1.parquet",
                "delta_byte_array-v2.parquet"
            })
    void damagedParquetEndsInAMessage(String name) throws IOException {
        byte[] whole = Files.readAllBytes(FIXTURES.resolve(name));
        Random random = new Random(11);
        for (int i = 0; i < 200; i++) {
            byte[] damaged = random.nextBoolean() ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            for (int flip = 0; flip < 3 && damaged.length > 0; flip++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            Path file = Files.write(folder.resolve("damaged.parquet"), damaged);
            int round = i;
            assertTimeoutPreemptively(
                    Duration.ofSeconds(20),
                    () -> {
                        try {
                            Rows.read(file, Integer.MAX_VALUE, 1 << 20);
                        } catch (TextException e) {
                            assertTrue(e.getMessage().contains("damaged.parquet"), e.getMessage());
                        }
                    },
                    "seed 11, round " + round);
        }
    }
}
