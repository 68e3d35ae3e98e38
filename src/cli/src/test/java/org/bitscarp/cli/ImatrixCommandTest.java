package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.bitscarp.model.Imatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Importance matrices as {@code --imatrix} takes and {@code --save-imatrix} gives them. {@code prose-6m.imatrix.*} are those
 * of llama-imatrix (August 2026, CPU, {@code -c 256 --chunks 2 --no-ppl}) for the built-in model as fp16 GGUF file and
 * the built-in calibration text.
 */
class ImatrixCommandTest {
    @TempDir
    Path folder;

    private static Path fixture(String form) {
        try {
            return Path.of(ImatrixCommandTest.class
                    .getResource("prose-6m.imatrix." + form)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private CommandLineRun quantize(String level, String out, Object... more) {
        return CommandLineRun.of(
                Stream.concat(Stream.of("quantize", "--to", level, "--out", folder.resolve(out), "-q"), Stream.of(more))
                        .map(Object::toString)
                        .toArray(String[]::new));
    }

    private byte[] bytes(String file) throws IOException {
        return Files.readAllBytes(folder.resolve(file));
    }

    @Test
    void calibrationFindsWhatLlamaImatrixFinds() throws IOException {
        Path saved = folder.resolve("saved.gguf");
        quantize(
                        "q4_0:search",
                        "calibrated.gguf",
                        "--calibration",
                        "builtin-calibration",
                        "--samples",
                        2,
                        "--calibration-context",
                        256,
                        "--save-imatrix",
                        saved)
                .succeeds();
        Imatrix ours = Imatrix.read(saved);
        Imatrix theirs = Imatrix.read(fixture("gguf"));
        assertEquals(theirs.entries().keySet(), ours.entries().keySet());
        assertEquals(theirs.chunks(), ours.chunks());
        assertEquals(theirs.chunkTokens(), ours.chunkTokens());
        theirs.entries().forEach((tensor, entry) -> {
            Imatrix.Entry own = ours.entries().get(tensor);
            assertArrayEquals(entry.counts(), own.counts(), tensor);
            for (int i = 0; i < entry.meanSquares().length; i++) {
                // llama.cpp's weights are rounded to fp16, and so are the activations in its products.
                assertEquals(entry.meanSquares()[i], own.meanSquares()[i], 4e-3 * entry.meanSquares()[i], tensor);
            }
        });
        // 512 tokens: means survive the way through sums and counts to the last bit.
        quantize("q4_0:search", "read.gguf", "--imatrix", saved).succeeds();
        assertArrayEquals(bytes("calibrated.gguf"), bytes("read.gguf"));
    }

    @Test
    void bothFormsGiveTheSameBytes() throws IOException {
        quantize("q4_0:search", "gguf.gguf", "--imatrix", fixture("gguf")).succeeds();
        quantize("q4_0:search", "dat.gguf", "--imatrix", fixture("dat")).succeeds();
        quantize("q4_0:search", "without.gguf").succeeds();
        assertArrayEquals(bytes("gguf.gguf"), bytes("dat.gguf"));
        assertFalse(Arrays.equals(bytes("gguf.gguf"), bytes("without.gguf")));
    }

    @Test
    void sweepScoresTheFile() {
        String[] text = {"--max-tokens", "64", "--context", "64", "--json", "-q"};
        String[] sweep = {
            "sweep",
            "--levels",
            "fp32,q4_0:search",
            "--imatrix",
            fixture("gguf").toString(),
            "--out",
            folder.toString()
        };
        JsonNode swept = json(sweep, text);
        quantize("q4_0:search", "file.gguf", "--imatrix", fixture("gguf")).succeeds();
        JsonNode file =
                json(new String[] {"perplexity", folder.resolve("file.gguf").toString()}, text);
        assertEquals(
                swept.get("rows").get(1).get("nll_sum").asDouble(),
                file.get("rows").get(0).get("nll_sum").asDouble());
        assertTrue(swept.toString().contains("prose-6m.imatrix.gguf for levels without a Hessian"));
    }

    /** Quantized throughout, what sensitivity looks at part by part is the level of a sweep with the same file. */
    @Test
    void sensitivityGoesByTheFile() {
        String[] text = {"--max-tokens", "128", "--context", "64", "--json", "-q", "--out", folder.toString()};
        String imatrix = fixture("gguf").toString();
        JsonNode swept = json(
                new String[] {"sweep", "--no-noise-floor", "--levels", "fp32,q2_k:search", "--imatrix", imatrix}, text);
        JsonNode parts = json(
                new String[] {"sensitivity", "--level", "q2_k:search", "--by", "layer", "--imatrix", imatrix}, text);
        JsonNode without = json(new String[] {"sensitivity", "--level", "q2_k:search", "--by", "layer"}, text);
        double expected = swept.get("rows").get(1).get("kld_mean").asDouble();
        // A sweep rounds the tied output projection to 16 bits, sensitivity leaves it.
        assertEquals(expected, parts.get("all").get("kld_mean").asDouble(), 1e-3 * expected);
        assertNotEquals(
                parts.get("all").get("kld_mean").asDouble(),
                without.get("all").get("kld_mean").asDouble());
        assertEquals(6, parts.get("parts").size());
        for (int layer = 0; layer < 6; layer++) {
            double alone =
                    parts.get("parts").get(layer).get("alone").get("kld_mean").asDouble();
            assertTrue(alone > 0 && alone < expected, "layer " + layer + ": " + alone);
            assertTrue(alone
                    != without.get("parts")
                            .get(layer)
                            .get("alone")
                            .get("kld_mean")
                            .asDouble());
        }
        assertTrue(parts.get("calibration").asString().contains("prose-6m.imatrix.gguf"));
        CommandLineRun.of("sensitivity", "--level", "q2_k:gptq", "--imatrix", imatrix, "--out", folder.toString(), "-q")
                .fails(1, "q2_k:gptq", "Hessian", "--calibration");
    }

    private static JsonNode json(String[] first, String[] more) {
        String[] all = Stream.of(first, more).flatMap(Stream::of).toArray(String[]::new);
        return JsonMapper.shared().readTree(CommandLineRun.of(all).succeeds().out());
    }

    @Test
    void whatDoesNotSufficeIsSaid() throws IOException {
        quantize("q4_0:gptq", "a.gguf", "--imatrix", fixture("gguf")).fails(1, "q4_0:gptq", "Hessian", "--calibration");
        quantize("q4_0:search", "a.gguf", "--imatrix", other("blk.0.attn_k.weight", 256))
                .fails(1, "has nothing of blk.0.attn_q.weight", "same model");
        quantize("q4_0:search", "a.gguf", "--imatrix", other("blk.0.attn_q.weight", 64))
                .fails(1, "blk.0.attn_q.weight", "64 values", "1 of 256");
        quantize("q4_0", "a.gguf", "--save-imatrix", folder.resolve("b")).fails(2, "--save-imatrix", "--calibration");
        quantize("q4_0", "a.gguf", "--imatrix", folder.resolve("none")).fails(1, "no such file");
    }

    /** A legacy file with one tensor. */
    private Path other(String tensor, int columns) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(16 + tensor.length() + 4 * columns).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(1).putInt(tensor.length()).put(tensor.getBytes(StandardCharsets.UTF_8));
        out.putInt(1).putInt(columns);
        return Files.write(folder.resolve("other.dat"), out.array());
    }
}
