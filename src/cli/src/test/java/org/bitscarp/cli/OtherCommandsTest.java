package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.export.GptqExport;
import org.bitscarp.model.export.GptqPlan;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.GroupedInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OtherCommandsTest {
    @Test
    void inspectCountsParametersAndBits() {
        CommandLineRun run = CommandLineRun.of("inspect").succeeds();
        assertTrue(run.out().contains("model.layers.0.self_attn.q_proj.weight"), run.out());
        assertTrue(run.out().contains("5,770,496 parameters, 23,081,984 bytes, 32.000 bits per weight"), run.out());
        JsonNode json = JsonMapper.shared()
                .readTree(CommandLineRun.of("inspect", "--json").succeeds().out());
        assertEquals(56, json.get("tensors").size());
        assertEquals(32.0, json.get("bits_per_weight").asDouble());
    }

    @Test
    void inspectListsPackedWeightsInsteadOfTheirTensors(@TempDir Path folder) throws IOException {
        TinyLlama model = new TinyLlama().hidden(64).ffn(96).heads(2, 1).vocabulary(32);
        try (Checkpoint source = Checkpoints.open(model.write(Files.createDirectories(folder.resolve("source"))))) {
            GptqPlan plan = GptqPlan.uniform(
                    1,
                    new GroupedInt(4, BlockScope.group(32), true),
                    (tensor, format, firstRow, rows, target) -> target.fill((byte) 1),
                    new GptqPlan.History("bitscarp:test", 0.01, false, false));
            GptqExport.write(source, folder.resolve("gptq"), plan);
        }
        String path = folder.resolve("gptq").toString();
        String out = CommandLineRun.of("inspect", path).succeeds().out();
        // 64 × 64 codes of 4 bits; for each of 2 groups and 64 outputs 16 bits of scale and 4 of zero point; 64
        // indices.
        long bytes = 64 * 64 / 2 + 2 * 64 * 2 + 2 * 64 / 2 + 4 * 64;
        String bits = String.format(Locale.ROOT, "%.3f", 8.0 * bytes / (64 * 64));
        assertTrue(
                out.lines()
                        .anyMatch(l -> l.startsWith("model.layers.0.self_attn.q_proj.weight ")
                                && l.contains(" int4:g32:sym gptq v1 ")
                                && l.contains("64 × 64 ")
                                && l.contains(String.format(Locale.ROOT, "%,d", bytes))
                                && l.endsWith(bits)),
                out);
        assertFalse(out.contains("qweight") || out.contains("scales"), out);
        JsonNode json = JsonMapper.shared()
                .readTree(
                        CommandLineRun.of("inspect", path, "--json").succeeds().out());
        assertEquals(2 + 2 * 9, json.get("tensors").size());
        assertTrue(json.get("bits_per_weight").asDouble() < 10);
    }

    @Test
    void doctorFindsThisMachineHealthy() {
        CommandLineRun run = CommandLineRun.of("doctor");
        assertEquals(0, run.status(), run.out());
        JsonNode json = JsonMapper.shared()
                .readTree(CommandLineRun.of("doctor", "--json").out());
        assertTrue(json.get("healthy").asBoolean());
        for (String what : new String[] {"JDK", "Vector API", "BLAS", "moments", "memory", "built-in", "CUDA"}) {
            assertTrue(run.out().contains(what), run.out());
        }
    }

    @Test
    void perplexityPrintsEachProtocol() {
        CommandLineRun run = CommandLineRun.of(
                        "perplexity", "--protocol", "gptq,llama.cpp,sliding", "--context", "64", "--max-tokens", "300")
                .succeeds();
        for (String protocol : new String[] {"gptq ", "llama.cpp ", "sliding "}) {
            assertTrue(run.out().lines().anyMatch(l -> l.startsWith(protocol) && l.contains("perplexity")), run.out());
        }
        assertTrue(run.out().contains("299 tokens scored"), "sliding scores every token but the first: " + run.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sweep", "perplexity", "inspect", "fetch", "doctor", "gpu-check"})
    void helpShowsRunnableExamples(String command) {
        String help = CommandLineRun.of(command, "--help").succeeds().out();
        assertTrue(help.contains("Examples:") && help.contains("bitscarp " + command), help);
        assertEquals(help, CommandLineRun.of("help", command).succeeds().out());
    }

    @Test
    void versionIsTheBuilds() {
        assertTrue(CommandLineRun.of("--version").succeeds().out().matches("bitscarp \\d+\\.\\d+\\.\\d+\\s*"));
    }

    @ParameterizedTest
    @CsvSource({"512m,536870912", "8g,8589934592", "1,1", "3k,3072", "2GiB,2147483648", "1T,1099511627776"})
    void memorySizes(String text, long bytes) {
        assertEquals(bytes, MemorySize.parse("--memory", text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "m", "-1g", "1.5g", "999999999999999t", "8gg"})
    void wrongMemorySizes(String text) {
        assertThrows(UsageException.class, () -> MemorySize.parse("--memory", text));
    }

    @Test
    void progressIsALineNowAndThenAwayFromATerminal() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ProgressLine line = new ProgressLine(new PrintStream(bytes, true, StandardCharsets.UTF_8), false, true)) {
            line.report("layer 1", 1, 10);
        }
        assertEquals("", bytes.toString(StandardCharsets.UTF_8), "silent in the first two seconds");
    }
}
