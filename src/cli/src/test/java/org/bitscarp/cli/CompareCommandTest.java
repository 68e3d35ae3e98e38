package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.model.TinyLlama;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Files as rows of a table. */
class CompareCommandTest {
    private static final List<String> TEXT = List.of("--max-tokens", "512", "--context", "64", "-q");
    private static final Path MODEL = CommandLineRun.checkout().resolve("datasets/models/prose-6m");

    @TempDir
    Path folder;

    private CommandLineRun run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(TEXT);
        all.addAll(List.of("--out", folder.resolve("out").toString()));
        return CommandLineRun.of(all.toArray(String[]::new));
    }

    private JsonNode json(String... arguments) {
        String[] all = Stream.concat(Stream.of(arguments), Stream.of("--json")).toArray(String[]::new);
        return JsonMapper.shared().readTree(run(all).succeeds().out());
    }

    private static JsonNode row(JsonNode result, String level) {
        for (JsonNode row : result.get("rows")) {
            if (row.get("level").asString().equals(level)) {
                return row;
            }
        }
        throw new AssertionError("no " + level + " in " + result.get("rows"));
    }

    private String quantized(String level, String name, String... more) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        List<String> all =
                new ArrayList<>(List.of("quantize", MODEL.toString(), "--to", level, "--out", file.toString(), "-q"));
        all.addAll(List.of(more));
        CommandLineRun.of(all.toArray(String[]::new)).succeeds();
        return file.toString();
    }

    /** A file is what a sweep measures at its level; the model itself is at no distance from itself. */
    @Test
    void filesMeasureWhatTheSweepPrints() throws IOException {
        JsonNode sweep = json("sweep", MODEL.toString(), "--levels", "fp32,q4_k,int3:g64", "--no-noise-floor");
        String gguf = quantized("q4_k", "a/m.gguf");
        String gptq = quantized("int3:g64", "b/m", "--gptq-format", "v2");
        JsonNode compared = json("compare", MODEL.toString(), gptq, gguf, MODEL.toString(), "--no-noise-floor");
        assertEquals("bitscarp.sweep/1", compared.get("schema").asString());
        assertEquals(4, compared.get("rows").size());
        String[][] same = {{"q4_k", "a/m"}, {"int3:g64", "b/m"}};
        for (String[] pair : same) {
            JsonNode expected = row(sweep, pair[0]);
            JsonNode found = row(compared, pair[1]);
            for (String figure : List.of("nll_sum", "kld_mean", "same_top1", "delta_ppl")) {
                assertEquals(expected.get(figure).asDouble(), found.get(figure).asDouble(), pair[0] + " " + figure);
            }
            assertTrue(found.get("weight_error").isNull(), "nobody knows what a file was rounded from");
        }
        assertEquals(gguf, row(compared, "a/m").get("path").asString());
        assertEquals("GGUF", row(compared, "a/m").get("container").asString());
        assertEquals(64, row(compared, "a/m").get("sha256").asString().length());
        assertEquals(4.5, row(compared, "a/m").get("bits_per_weight").asDouble());
        JsonNode inspected = JsonMapper.shared()
                .readTree(
                        CommandLineRun.of("inspect", gguf, "--json").succeeds().out());
        assertEquals(inspected.get("bytes"), row(compared, "a/m").get("bytes"));
        assertEquals(inspected.get("bits_per_weight"), row(compared, "a/m").get("model_bits_per_weight"));

        JsonNode itself = row(compared, own(compared, false));
        assertEquals(0.0, itself.get("kld_mean").asDouble());
        assertEquals(0.0, itself.get("delta_ppl").asDouble());
        assertTrue(itself.get("tied").asBoolean());
        assertTrue(Files.exists(folder.resolve("out/report.html")));
        assertEquals(
                own(compared, true), compared.get("statistics").get("reference").asString());
    }

    /** Name of the row of the model itself, as the reference or as one of the files. */
    private static String own(JsonNode compared, boolean reference) {
        for (JsonNode row : compared.get("rows")) {
            String name = row.get("level").asString();
            if (name.contains("prose-6m") && row.get("reference").asBoolean() == reference) {
                return name;
            }
        }
        throw new AssertionError("no prose-6m in " + compared.get("rows"));
    }

    @Test
    void ranksAndNamesWhatIsBeaten() throws IOException {
        String better = quantized("q4_k", "better.gguf");
        String worse = quantized("q2_k", "worse.gguf", "--token-embedding-type", "fp32");
        CommandLineRun run = run("compare", MODEL.toString(), worse, better).succeeds();
        assertTrue(run.out().indexOf("1. better: KL ") > 0, run.out());
        assertTrue(run.out().indexOf("2. worse: KL ") > run.out().indexOf("1. better: KL "), run.out());
        assertTrue(run.out().contains("better is closer to the reference than worse and no larger"), run.out());
        assertFalse(run.out().contains("worse is closer"), run.out());
        assertTrue(run.out().contains("Noise floor"), run.out());
    }

    @Test
    void refusesOtherTokens() throws IOException {
        Path other = Files.createDirectories(folder.resolve("other"));
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                Files.copy(file, other.resolve(file.getFileName()));
            }
        }
        Path tokenizer = other.resolve("tokenizer.json");
        String text = Files.readString(tokenizer);
        int the = id(text, "Ġthe");
        int and = id(text, "Ġand");
        text = text.replaceFirst("\"Ġthe\":\\s*" + the + "\\b", "\"Ġthe\":" + and)
                .replaceFirst("\"Ġand\":\\s*" + and + "\\b", "\"Ġand\":" + the);
        Files.writeString(tokenizer, text);
        run("compare", MODEL.toString(), other.toString())
                .fails(1, "tokenizers differ: token ", " in other and ", "in the reference prose-6m");
    }

    private static int id(String tokenizer, String token) {
        var found =
                java.util.regex.Pattern.compile("\"" + token + "\":\\s*(\\d+)").matcher(tokenizer);
        assertTrue(found.find(), token);
        return Integer.parseInt(found.group(1));
    }

    @Test
    void refusesOtherModels() throws IOException {
        Path tiny = new TinyLlama().vocabulary(300).write(Files.createDirectories(folder.resolve("tiny")));
        run("compare", MODEL.toString(), tiny.toString())
                .fails(1, tiny + ": the vocabulary is 300, but 4096 in the reference", "only checkpoints of one model");
    }

    @Test
    void explainsWrongUse() {
        CommandLineRun.of("compare", MODEL.toString()).fails(2, "FILE");
        CommandLineRun.of("compare", MODEL.toString(), "x.gguf", "--margin", "0")
                .fails(2, "--margin 0");
        run("compare", MODEL.toString(), folder.resolve("absent.gguf").toString())
                .fails(1, "absent.gguf");
    }
}
