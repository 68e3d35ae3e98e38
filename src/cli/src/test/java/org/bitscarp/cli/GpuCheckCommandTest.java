package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.cuda.backend.BenchmarkLine;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.TinyTokenizer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The check of a GPU on the emulated one; its list of operations runs there in {@code EmulatedBackendTest}. */
class GpuCheckCommandTest {
    @Test
    void theEmulatedDevicePassesAndItsTimesAreLabelled(@TempDir Path folder) throws IOException {
        Path model = new TinyLlama().hidden(64).ffn(96).layers(1).write(Files.createDirectories(folder.resolve("m")));
        Files.writeString(model.resolve("tokenizer.json"), TinyTokenizer.json(false));
        String[] words = {
            "gpu-check",
            model.toString(),
            "--device",
            "emulated",
            "--only",
            "perplexity,bench",
            "--levels",
            "fp32,int3:g32",
            "-q",
            "--vram",
            "64m",
            "--full",
            folder.resolve("full").toString()
        };
        String text = CommandLineRun.of(words).succeeds().out();
        assertTrue(text.contains("these times say nothing"), text);
        assertTrue(text.contains("All results are right."), text);
        assertEquals(2, text.split("1.00 reached", -1).length - 1, text);
        assertEquals(2, text.split("MiB of device memory at most: reached", -1).length - 1, text);
        String[] asJson = Arrays.copyOf(words, words.length + 1);
        asJson[words.length] = "--json";
        JsonNode json = JsonMapper.shared()
                .readTree(CommandLineRun.of(asJson).succeeds().out());
        assertTrue(json.get("passed").asBoolean());
        assertFalse(json.get("timed").asBoolean());
        assertEquals(0, json.get("contract").size());
        assertEquals(2, json.get("perplexity").size());
        assertFalse(json.get("perplexity").get(0).get("recorded").asBoolean());
        int compared = 0;
        int whole = 0;
        for (JsonNode line : json.get("bench")) {
            if (line.get("note").asString().startsWith("whole command")) {
                assertTrue(line.get("milliseconds").asDouble() > 0, line + "");
                assertFalse(line.get("note").asString().contains(" 0 MiB"), line + "");
                whole++;
                continue;
            }
            if (!line.get("kernel").asString().equals("copy")) {
                assertEquals("", line.get("note").asString(), "nothing is left out: " + line);
            }
            compared += line.get("share_of_tolerance").isNull() ? 0 : 1;
        }
        // Three formats at two shapes: one row, a few, many; logits in two arithmetics.
        assertEquals(3 * 2 * 3 + 2, compared);
        assertEquals(4, whole);
    }

    @Test
    void aimsAreReachedOrNot() {
        BenchmarkLine line = new BenchmarkLine("k", "s", 4, 3, "copy", Double.NaN, "");
        assertTrue(
                line.withAim(0.75).markdown().contains("| 0.75 | 0.75 reached |"),
                line.withAim(0.75).markdown());
        assertTrue(line.withAim(0.8).markdown().contains("| 0.75 | 0.80 NOT REACHED |"));
        assertTrue(line.markdown().contains("| 0.75 | – |"));
        BenchmarkLine leftOut = new BenchmarkLine("k", "s", Double.NaN, Double.NaN, "", Double.NaN, "").withAim(0.8);
        assertFalse(leftOut.reached(), "what was not measured has not been reached");
    }

    @Test
    void tooLittleMemoryIsSaid() {
        CommandLineRun.of("gpu-check", "--device", "emulated", "--only", "contract", "--vram", "1x")
                .fails(2, "--vram 1x");
    }

    /** The figures that other machines' devices are judged by are this CPU's. */
    @Test
    void recordedFiguresAreTheCpus() {
        JsonNode json = JsonMapper.shared()
                .readTree(CommandLineRun.of(
                                "perplexity",
                                "--level",
                                "q2_k",
                                "--device",
                                "cpu",
                                "--protocol",
                                "gptq",
                                "--json",
                                "-q")
                        .succeeds()
                        .out());
        String key = json.get("model").get("sha256").asString() + " q2_k";
        Double recorded = PerplexityCheck.recorded().get(key);
        assertTrue(recorded != null, "no figure is recorded for " + key);
        double found = json.get("rows").get(0).get("perplexity").asDouble();
        // OpenBLAS and the Java product differ in the last digits of fp32.
        assertTrue(Math.abs(found / recorded - 1) <= 1e-5, recorded + " is recorded, found " + found);
    }

    @Test
    void withoutADriverTheRemedyIsSaid() {
        GpuProbe probe = GpuProbe.run();
        if (probe.state() != GpuProbe.State.ABSENT) {
            System.out.println("SKIPPED: this machine's driver: " + probe.detail());
            Assumptions.abort(probe.detail());
        }
        CommandLineRun.of("gpu-check").fails(1, "--device cuda", probe.detail(), "driver", "--device emulated");
        CommandLineRun.of("gpu-check", "--device", "gpu").fails(2, "--device gpu", "cuda:N");
    }
}
