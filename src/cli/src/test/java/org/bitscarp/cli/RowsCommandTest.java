package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Rows of a sweep that are no levels: llama.cpp's mixes and models under a budget score what {@code quantize} writes. */
class RowsCommandTest {
    private static final List<String> TEXT = List.of("--max-tokens", "256", "--context", "64", "--json", "-q");
    private static final List<String> CALIBRATION = List.of(
            "--calibration", "builtin-calibration", "--calibration-tokens", "256", "--calibration-context", "64");

    @TempDir
    Path folder;

    @SafeVarargs
    private static CommandLineRun run(List<String>... arguments) {
        return CommandLineRun.of(Stream.of(arguments).flatMap(List::stream).toArray(String[]::new));
    }

    private static JsonNode json(CommandLineRun run) {
        return JsonMapper.shared().readTree(run.succeeds().out());
    }

    private JsonNode sweep(String... more) {
        return json(run(
                List.of(
                        "sweep",
                        "--no-noise-floor",
                        "--out",
                        folder.resolve("report").toString()),
                CALIBRATION,
                TEXT,
                List.of(more)));
    }

    private static JsonNode row(JsonNode sweep, String name) {
        for (JsonNode row : sweep.get("rows")) {
            if (row.get("level").asString().equals(name)) {
                return row;
            }
        }
        throw new AssertionError("no row " + name + " in " + sweep);
    }

    private JsonNode score(String name, String... quantize) {
        Path file = folder.resolve(name.replaceAll("[:.]", "-") + ".gguf");
        run(List.of("quantize", "-q", "--out", file.toString()), CALIBRATION, List.of(quantize))
                .succeeds();
        return json(run(List.of("perplexity", file.toString()), TEXT))
                .get("rows")
                .get(0);
    }

    /** The embedding of a mix is in another type too, here Q6_K, which the tied output projection shares. */
    @Test
    void mixesScoreWhatTheirFilesDo() throws IOException {
        JsonNode sweep = sweep("--levels", "fp32,q3_k,llama.cpp:q3_k_m,llama.cpp:q2_k:gptq");
        for (String name : List.of("q3_k_m", "llama.cpp:q2_k:gptq")) {
            JsonNode row = row(sweep, name);
            JsonNode file = score(name, "--to", name);
            assertEquals(row.get("nll_sum").asDouble(), file.get("nll_sum").asDouble(), name);
        }
        JsonNode mix = row(sweep, "q3_k_m");
        JsonNode level = row(sweep, "q3_k");
        assertTrue(
                mix.get("format").asString().startsWith("q3_k+"),
                mix.get("format").asString());
        assertTrue(mix.get("bits_per_weight").asDouble()
                > level.get("bits_per_weight").asDouble());
        assertTrue(mix.get("bytes").asLong() < level.get("bytes").asLong(), "the embedding has 6.6 bits instead of 16");
        String csv = Files.readString(folder.resolve("report/results.csv"));
        assertTrue(csv.contains("\nllama.cpp:q2_k:gptq,"), csv);
        JsonNode more = sweep("--levels", "fp32,llama.cpp:q3_k_m,q4_k_s");
        // The time that it took is kept with it.
        assertEquals(mix.get("seconds"), row(more, "q3_k_m").get("seconds"));
        assertEquals(mix.get("nll_sum"), row(more, "q3_k_m").get("nll_sum"));
        assertTrue(row(more, "q4_k_s").get("kld_mean").asDouble()
                < mix.get("kld_mean").asDouble());
    }

    @Test
    void budgetsScoreWhatTheirFilesDo() throws IOException {
        String[] asked = {"--levels", "fp32,q3_k", "--budget", "3.0bpw:rtn,4.0bpw:rtn,2.7MB:rtn"};
        JsonNode sweep = sweep(asked);
        for (String name : List.of("3.0bpw:rtn", "4.0bpw:rtn")) {
            JsonNode row = row(sweep, name);
            assertEquals(
                    row.get("nll_sum").asDouble(),
                    score(name, "--budget", name).get("nll_sum").asDouble(),
                    name);
            double limit = Double.parseDouble(name.substring(0, 3));
            double bits = row.get("bits_per_weight").asDouble();
            assertTrue(bits <= limit && bits > limit - 0.1, name + ": " + bits);
            assertTrue(
                    sweep.get("notes").toString().contains(name + ": On "),
                    sweep.get("notes").toString());
        }
        JsonNode row = row(sweep, "2.7MB:rtn");
        JsonNode file = score("2.7MB:rtn", "--budget", "2.7MB:rtn");
        assertEquals(row.get("nll_sum").asDouble(), file.get("nll_sum").asDouble());
        long bytes = Files.size(folder.resolve("2-7MB-rtn.gguf"));
        assertTrue(bytes <= 2_700_000 && bytes > 2_690_000, bytes + " bytes");
        assertTrue(row.get("bytes").asLong() < bytes, "a row counts no metadata");
        String notes = sweep.get("notes").toString();
        assertTrue(notes.contains("2.7MB:rtn: On ") && notes.contains(", all by rtn; embedding iq4_xs."), notes);
        assertEquals(sweep.get("rows"), sweep(asked).get("rows"), "plans and results are kept");
    }

    @Test
    void wrongUse() {
        String out = folder.resolve("report").toString();
        refused("measured on calibration text", "sweep", "--out", out, "--budget", "3bpw");
        refused("bits per weight from 1 to 16", "sweep", "--out", out, "--budget", "3bpw,20bpw");
        refused("size of the whole file, like 2.6MB", "sweep", "--out", out, "--budget", "3bpw,4G");
        refused("llama.cpp has no mix q9", "sweep", "--out", out, "--levels", "fp32,llama.cpp:q9");
        refused("stands there twice", "sweep", "--out", out, "--levels", "fp32,q4_k_m,llama.cpp:q4_k_m");
        refused("is none of the levels", "sweep", "--out", out, "--levels", "fp32,int4", "--reference", "q4_k_m");
        CommandLineRun rotated = run(List.of("sweep", "--out", out, "--levels", "fp32,q4_k_m:hadamard"), TEXT);
        assertEquals(1, rotated.status());
        assertTrue(rotated.err().contains("write it with quantize and measure the file"), rotated.err());
    }

    private static void refused(String message, String... arguments) {
        CommandLineRun run = CommandLineRun.of(arguments);
        assertEquals(2, run.status(), run.err());
        assertTrue(run.err().contains(message), run.err());
    }
}
