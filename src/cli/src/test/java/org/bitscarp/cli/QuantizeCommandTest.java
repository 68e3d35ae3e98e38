package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Files that {@code quantize} writes score what a sweep of the same level printed. */
class QuantizeCommandTest {
    private static final List<String> TEXT = List.of("--max-tokens", "256", "--context", "64", "--json", "-q");
    private static final List<String> CALIBRATION =
            List.of("--calibration", "builtin-calibration", "--calibration-tokens", "256");

    private static final Path MODEL = CommandLineRun.checkout().resolve("datasets/models/prose-6m");

    /** Relative difference of sums over 256 tokens; rounding of rotated tables to 16 bits makes about 1e-5. */
    private static final double FOLDED = 5e-5;

    @TempDir
    Path folder;

    private static JsonNode json(List<String> more, String... arguments) {
        String[] all = Stream.concat(Stream.of(arguments), more.stream()).toArray(String[]::new);
        return JsonMapper.shared().readTree(CommandLineRun.of(all).succeeds().out());
    }

    private void quantize(String level, Path out, String... more) {
        List<String> arguments = Stream.of(
                        Stream.of("--to", level, "--out", out.toString(), "-q"), CALIBRATION.stream(), Stream.of(more))
                .flatMap(s -> s)
                .toList();
        CommandLineRun.of(
                        Stream.concat(Stream.of("quantize"), arguments.stream()).toArray(String[]::new))
                .succeeds();
    }

    private static double score(JsonNode result, int row) {
        return result.get("rows").get(row).get("nll_sum").asDouble();
    }

    @Test
    void filesScoreWhatTheSweepPrinted() {
        List<String> levels = List.of("fp32", "iq4_nl:search", "q3_k:gptq", "int4:g64");
        List<String> more = Stream.concat(CALIBRATION.stream(), TEXT.stream()).toList();
        JsonNode sweep = json(
                more,
                "sweep",
                "--levels",
                String.join(",", levels),
                "--out",
                folder.resolve("report").toString());
        for (JsonNode row : sweep.get("rows")) {
            String level = row.get("level").asString();
            Path out = folder.resolve(level.replace(':', '-') + (level.startsWith("int") ? "" : ".gguf"));
            quantize(level, out, "--gptq-format", "v2");
            JsonNode file = json(TEXT, "perplexity", out.toString());
            assertEquals(row.get("nll_sum").asDouble(), score(file, 0), level);
        }
    }

    /** Tables are rounded to 16 bits in the rotated basis, which a sweep does not do; norms and biases are not rounded. */
    @Test
    void foldedTransformsAreOrdinaryModels() {
        JsonNode sweep = json(
                Stream.concat(CALIBRATION.stream(), TEXT.stream()).toList(),
                "sweep",
                "--no-noise-floor",
                "--levels",
                "fp32,q4_k:awq,q3_k:hadamard",
                "--out",
                folder.resolve("report").toString());
        for (JsonNode row : sweep.get("rows")) {
            String level = row.get("level").asString();
            Path out = folder.resolve(level.replace(':', '-') + ".gguf");
            quantize(level, out);
            double expected = row.get("nll_sum").asDouble();
            assertEquals(expected, score(json(TEXT, "perplexity", out.toString()), 0), FOLDED * expected, level);
            JsonNode inspected = json(List.of("--json"), "inspect", out.toString());
            assertEquals(level.contains("hadamard") ? "fp16" : "absent", type(inspected, "output.weight"), level);
        }
    }

    /** Norms and biases carry their part, rounded to fp32; rotated tables are rounded to fp16 and the tied one becomes two. */
    @Test
    void foldedTransformsFitIntoGptqFolders() throws IOException {
        List<String> levels = List.of("fp32", "int4:awq:gptq", "int3:hadamard");
        JsonNode sweep = json(
                Stream.concat(CALIBRATION.stream(), TEXT.stream()).toList(),
                "sweep",
                "--no-noise-floor",
                "--levels",
                String.join(",", levels),
                "--out",
                folder.resolve("report").toString());
        for (JsonNode row : sweep.get("rows")) {
            String level = row.get("level").asString();
            if (level.equals("fp32")) {
                continue;
            }
            Path out = folder.resolve(level.replace(':', '-'));
            quantize(level, out, "--gptq-format", "v2");
            double expected = row.get("nll_sum").asDouble();
            boolean rotated = level.contains("hadamard");
            assertEquals(
                    expected,
                    score(json(TEXT, "perplexity", out.toString()), 0),
                    (rotated ? FOLDED : 1e-7) * expected,
                    level);
            JsonNode inspected = json(List.of("--json"), "inspect", out.toString());
            assertEquals(rotated ? "fp16" : "absent", type(inspected, "lm_head.weight"), level);
            String config = Files.readString(out.resolve("config.json"));
            assertEquals(
                    !rotated,
                    JsonMapper.shared()
                            .readTree(config)
                            .get("tie_word_embeddings")
                            .asBoolean(),
                    config);
        }
    }

    @Test
    void mixesAndTables() throws IOException {
        Path out = folder.resolve("m.gguf");
        JsonNode written = json(
                List.of("--json", "-q"),
                "quantize",
                "--to",
                "q4_k_m",
                "--output-type",
                "q8_0",
                "--out",
                out.toString());
        assertEquals("q4_k_m", written.get("level").asString());
        assertEquals(Files.size(out), written.get("bytes").asLong());
        JsonNode inspected = json(List.of("--json"), "inspect", out.toString());
        assertEquals(5_770_496, inspected.get("parameters").asLong());
        assertEquals("q6_k", type(inspected, "token_embd.weight"));
        assertEquals("q6_k", type(inspected, "blk.5.attn_v.weight"));
        assertEquals("q4_k", type(inspected, "blk.0.attn_q.weight"));
        assertEquals("fp32", type(inspected, "output_norm.weight"));
        CommandLineRun again = CommandLineRun.of("quantize", "--to", "q8_0", "--out", out.toString());
        assertEquals(1, again.status());
        assertTrue(again.err().contains("exists already; name another file or give --force"), again.err());
        json(
                List.of("--json", "-q"),
                "quantize",
                "--to",
                "q8_0",
                "--pure",
                "--force",
                "--token-embedding-type",
                "bf16",
                "--out",
                out.toString());
        inspected = json(List.of("--json"), "inspect", out.toString());
        assertEquals("bf16", type(inspected, "token_embd.weight"));
        assertEquals("q8_0", type(inspected, "blk.5.attn_v.weight"));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count(), "nothing else is left behind");
        }
    }

    private static String type(JsonNode inspected, String tensor) {
        for (JsonNode node : inspected.get("tensors")) {
            if (node.get("name").asString().equals(tensor)) {
                return node.get("type").asString().toLowerCase(Locale.ROOT);
            }
        }
        return "absent";
    }

    @Test
    void convertsWithoutRounding() {
        Path gguf = folder.resolve("m.gguf");
        json(List.of("--json", "-q"), "convert", MODEL.toString(), "--out", gguf.toString());
        assertEquals(score(json(TEXT, "perplexity"), 0), score(json(TEXT, "perplexity", gguf.toString()), 0));
        Path back = folder.resolve("back");
        json(List.of("--json", "-q"), "convert", gguf.toString(), "--out", back.toString());
        assertEquals(score(json(TEXT, "perplexity"), 0), score(json(TEXT, "perplexity", back.toString()), 0));
        Path first = folder.resolve("v1");
        Path second = folder.resolve("v2");
        quantize("int4:g64", first);
        json(List.of("--json", "-q"), "convert", first.toString(), "--gptq-format", "v2", "--out", second.toString());
        JsonNode before = json(TEXT, "perplexity", first.toString());
        assertEquals(score(before, 0), score(json(TEXT, "perplexity", second.toString()), 0));
        CommandLineRun refused = CommandLineRun.of(
                "convert", first.toString(), "--out", folder.resolve("n.gguf").toString());
        assertEquals(1, refused.status());
        assertTrue(refused.err().contains("quantize the model instead of converting it"), refused.err());
    }

    @Test
    void wrongUse() {
        String out = folder.resolve("m.gguf").toString();
        refused(2, "unknown format", "quantize", "--to", "q4_q", "--out", out);
        refused(2, "llama.cpp has no mix q9", "quantize", "--to", "llama.cpp:q9", "--out", out);
        refused(1, "GGUF file has no type for int4", "quantize", "--to", "int4", "--out", out);
        refused(1, "needs calibration text", "quantize", "--to", "q4_k:gptq", "--out", out);
        refused(1, "does not exist; create it", "quantize", "--to", "q4_k", "--out", folder + "/x/m.gguf");
        refused(2, "ends with .gguf", "quantize", "--to", "q4_k_m", "--out", folder + "/m");
        refused(1, "integers in groups", "quantize", "--to", "q4_k", "--out", folder + "/m");
        refused(1, "which no file format carries", "quantize", "--to", "int4:hadamard-online", "--out", folder + "/m");
        refused(1, "which no file format carries", "quantize", "--to", "q4_k:hadamard-online", "--out", out);
        refused(2, "measured on calibration text", "quantize", "--budget", "3bpw", "--out", out);
        refused(2, "bits per weight from 1 to 16", "quantize", "--budget", "0.1bpw", "--out", out);
        refused(2, "--to", "quantize", "--budget", "3bpw", "--to", "q4_k", "--out", out);
        refused(
                1,
                "a budget of 1MB is less than the smallest formats take, 1.",
                "quantize",
                "--budget",
                "1MB",
                "--calibration",
                "builtin-calibration",
                "--out",
                out);
        refused(2, "Missing required option", "quantize", "--to", "q4_k");
        refused(2, "expected a folder", "convert", folder.toString(), "--out", out, "--gptq-format", "v1");
        refused(2, "only for a Hugging Face folder", "convert", folder.toString(), "--out", out, "--dequantize");
    }

    private static void refused(int status, String message, String... arguments) {
        CommandLineRun run = CommandLineRun.of(arguments);
        assertEquals(status, run.status(), run.err());
        assertTrue(run.err().contains(message), run.err());
    }
}
