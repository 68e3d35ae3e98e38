package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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

class SweepCommandTest {
    private static final String[] QUICK = {"--max-tokens", "1024", "--context", "128"};

    @TempDir
    Path folder;

    private CommandLineRun sweep(String... more) {
        String[] arguments = Stream.of(
                        Stream.of("sweep", "--out", folder.resolve("out").toString()),
                        Stream.of(QUICK),
                        Stream.of(more))
                .flatMap(s -> s)
                .toArray(String[]::new);
        return CommandLineRun.of(arguments);
    }

    @Test
    void writesTheReportAndPrintsTheTable() throws IOException {
        CommandLineRun run = sweep("--levels", "fp32,int4,ternary").succeeds();
        assertTrue(run.out().contains("fp32") && run.out().contains("ternary"), run.out());
        for (String file : new String[] {"report.html", "report.md", "results.csv", "results.json"}) {
            assertTrue(Files.size(folder.resolve("out").resolve(file)) > 200, file);
        }
        try (Stream<Path> files = Files.list(folder.resolve("out"))) {
            assertEquals(
                    List.of(".sweep", "report.html", "report.md", "results.csv", "results.json", "scores"),
                    files.map(f -> f.getFileName().toString()).sorted().toList(),
                    "nothing else is left behind");
        }
        assertTrue(run.err().contains("report.html"), run.err());
    }

    @Test
    void jsonIsOneObjectOnStdoutAndTheSameAsTheFile() throws IOException {
        CommandLineRun run = sweep("--levels", "fp32,int2", "--json", "-q").succeeds();
        JsonNode printed = JsonMapper.shared().readTree(run.out());
        JsonNode written = JsonMapper.shared().readTree(Files.readString(folder.resolve("out/results.json")));
        assertEquals(written, printed);
        assertEquals("bitscarp.sweep/1", printed.get("schema").asString());
        assertEquals(64, printed.get("model").get("sha256").asString().length());
        assertEquals(5_770_496, printed.get("model").get("parameters").asLong());
        assertEquals("fp32", printed.get("rows").get(0).get("level").asString());
        assertTrue(printed.get("rows").get(1).get("perplexity").asDouble()
                > printed.get("rows").get(0).get("perplexity").asDouble());
        assertFalse(printed.get("rows").get(1).get("kld_mean").isNull());
        assertTrue(printed.get("command").asString().startsWith("bitscarp sweep --out "));
        assertEquals("", run.err());
    }

    @Test
    void theSameCommandGivesTheSameNumbers() {
        JsonNode first = JsonMapper.shared()
                .readTree(sweep("--levels", "fp32,int3", "--json", "-q", "--threads", "1")
                        .out());
        JsonNode second = JsonMapper.shared()
                .readTree(sweep("--levels", "fp32,int3", "--json", "-q", "--threads", "3", "--fresh")
                        .out());
        for (int row = 0; row < 2; row++) {
            for (String field :
                    new String[] {"perplexity", "nll_sum", "kld_mean", "same_top1", "layer_errors", "bytes"}) {
                assertEquals(
                        first.get("rows").get(row).get(field),
                        second.get("rows").get(row).get(field),
                        field);
            }
        }
    }

    @Test
    void perplexityOfOneLevelIsWhatTheSweepPrinted() {
        JsonNode sweep = JsonMapper.shared()
                .readTree(sweep("--levels", "fp32,int3:g64", "--json", "-q").out());
        CommandLineRun run = CommandLineRun.of(
                        "perplexity", "--level", "int3:g64", "--json", "-q", "--max-tokens", "1024", "--context", "128")
                .succeeds();
        JsonNode alone = JsonMapper.shared().readTree(run.out());
        assertEquals(
                sweep.get("rows").get(1).get("nll_sum"),
                alone.get("rows").get(0).get("nll_sum"));
    }

    @Test
    void unknownLevelsAreExplainedBeforeAnyWork() {
        sweep("--levels", "fp32,int4:g64:asm").fails(2, "asm", "asym");
        sweep("--levels", "int11").fails(2, "int11", "2");
        sweep("--levels", "").fails(2);
        sweep("--levels", "fp32,fp32").fails(2, "fp32");
    }

    @Test
    void wrongUseIsExplained() {
        sweep("--protocol", "papers").fails(2, "papers", "llama.cpp");
        sweep("--context", "2").fails(2, "--context 2");
        sweep("--context", "many").fails(2, "--context", "many");
        sweep("--protocol", "sliding", "--stride", "1000").fails(2, "--stride 1000");
        sweep("--memory", "plenty").fails(2, "--memory plenty", "512m");
        sweep("--device", "tpu").fails(2, "--device tpu", "emulated");
        sweep("--device", "cpu", "--vram", "1g").fails(2, "--vram", "--memory");
        sweep("--device", "cpu", "--compute", "bf16").fails(2, "--compute bf16", "fp32");
        sweep("--device", "emulated", "--vram", "much").fails(2, "--vram much");
        sweep("--threads", "0").fails(2, "--threads 0");
        sweep("--max-tokens", "0").fails(2, "--max-tokens 0");
        sweep("--threshold", "-1").fails(2, "--threshold");
        sweep("--no-such-option").fails(2, "--no-such-option");
        CommandLineRun.of("swep").fails(2, "swep");
    }

    @Test
    void textsThatCannotBeUsedAreExplained() throws IOException {
        Path empty = Files.createFile(folder.resolve("empty.txt"));
        Path brief = Files.writeString(folder.resolve("brief.txt"), "Too short.");
        Path binary = Files.write(folder.resolve("binary.txt"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        sweep("--text", empty.toString()).fails(1, "empty.txt", "empty");
        sweep("--text", brief.toString()).fails(1, "window of 128", "--context");
        sweep("--text", binary.toString()).fails(1, "binary.txt", "UTF-8");
        sweep("--text", folder.toString()).fails(1, "folder");
        sweep("--text", "no-such-text").fails(1, "no-such-text", "builtin");
        sweep("--calibration", brief.toString()).fails(1, "calibration text brief.txt");
    }

    @Test
    void modelsThatCannotBeOpenedAreExplained() throws IOException {
        CommandLineRun.of("sweep", folder.resolve("nowhere").toString(), "--out", folder.toString())
                .fails(1, "nowhere");
        Path model = Files.createDirectories(folder.resolve("model"));
        CommandLineRun.of("sweep", model.toString(), "--out", folder.toString()).fails(1, "model");
        Files.writeString(model.resolve("config.json"), "{\"architectures\": [\"MambaForCausalLM\"]}");
        CommandLineRun.of("inspect", model.toString()).fails(1, "MambaForCausalLM", "LlamaForCausalLM");
    }

    @Test
    void aModelOrTextThatIsNotThereLeavesNoFolder() {
        Path out = folder.resolve("results");
        String nowhere = folder.resolve("nowhere").toString();
        CommandLineRun.of("sweep", nowhere, "--out", out.toString()).fails(1, "nowhere");
        CommandLineRun.of("sweep", "--text", "no-such-text", "--out", out.toString())
                .fails(1, "no-such-text");
        CommandLineRun.of("sensitivity", nowhere, "--level", "int4", "--out", out.toString())
                .fails(1, "nowhere");
        assertFalse(Files.exists(out));
    }

    @Test
    void anOutputFolderThatCannotBeWrittenIsFoundBeforeTheWork() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        CommandLineRun.of("sweep", "--out", file.toString()).fails(1, "--out", "file");
        CommandLineRun.of("sweep", "--out", "/proc/nowhere").fails(1, "/proc/nowhere", "--out");
    }
}
