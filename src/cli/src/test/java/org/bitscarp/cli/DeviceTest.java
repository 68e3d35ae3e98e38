package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.TinyTokenizer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Where a sweep computes: choice, reasons, and the same figures whatever the choice. */
class DeviceTest {
    /** Of a perplexity: what two fp32 implementations may differ by on average is far below a token's 2e-4 nats. */
    private static final double TOLERANCE = 1e-4;

    @TempDir
    Path folder;

    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        // 16 layers of 3 · 64² + 3 · 64 · 96 weights each: 1.9 MiB.
        model = new TinyLlama()
                .hidden(64)
                .ffn(96)
                .layers(16)
                .seed(5)
                .write(Files.createDirectories(folder.resolve("model")));
        Files.writeString(model.resolve("tokenizer.json"), TinyTokenizer.json(false));
    }

    private CommandLineRun sweep(String... more) {
        String[] arguments = java.util.stream.Stream.concat(
                        java.util.stream.Stream.of(
                                "sweep",
                                model.toString(),
                                "--out",
                                folder.resolve("out").toString(),
                                "--levels",
                                "fp32,int3:g32",
                                "--protocol",
                                "gptq",
                                "--max-tokens",
                                "64",
                                "--context",
                                "32",
                                "--json"),
                        java.util.stream.Stream.of(more))
                .toArray(String[]::new);
        return CommandLineRun.of(arguments);
    }

    private static JsonNode rows(CommandLineRun run) {
        return JsonMapper.shared().readTree(run.succeeds().out()).get("rows");
    }

    @Test
    void theEmulatedDeviceGivesTheFiguresOfTheCpuWithLittleMemoryToo() throws IOException {
        JsonNode cpu = rows(sweep("--device", "cpu", "-q"));
        // Half of the model does not fit at a time.
        CommandLineRun run = sweep("--device", "emulated", "--vram", "800k", "-q", "--continuations", "0");
        JsonNode emulated = rows(run);
        assertTrue(Files.size(model.resolve("model.safetensors")) > 2 * 800 * 1024);
        for (int row = 0; row < 2; row++) {
            double expected = cpu.get(row).get("perplexity").asDouble();
            double found = emulated.get(row).get("perplexity").asDouble();
            assertTrue(Math.abs(found / expected - 1) <= TOLERANCE, expected + " on the CPU, emulated " + found);
        }
        JsonNode json = JsonMapper.shared().readTree(run.out());
        assertTrue(
                json.get("device").asString().startsWith("emulated"),
                json.get("device").asString());
        assertEquals("fp32", json.get("compute").asString());
    }

    @Test
    void tooLittleDeviceMemoryIsSaid() {
        sweep("--device", "emulated", "--vram", "50k").fails(1, "out of device memory", "--vram");
    }

    @Test
    void withoutADriverAutoTakesTheCpuAndSaysWhyAndCudaFails() {
        GpuProbe probe = GpuProbe.run();
        if (probe.state() != GpuProbe.State.ABSENT) {
            System.out.println("SKIPPED: this machine's driver: " + probe.detail());
            Assumptions.abort(probe.detail());
        }
        CommandLineRun auto = sweep("--device", "auto").succeeds();
        assertTrue(auto.err().contains("Device: cpu, " + probe.detail()), auto.err());
        sweep("--device", "cuda").fails(1, "--device cuda", probe.detail(), "--device cpu");
        sweep("--device", "cuda:1").fails(1, "--device cuda:1", probe.detail());
    }
}
