package org.bitscarp.model.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelDigests;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.GroupedInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GptqConvertTest {
    @TempDir
    Path folder;

    private Path export(GroupedInt format, int version, long shardBytes) throws IOException {
        Path source = Files.createDirectories(folder.resolve("source"));
        Path gptq = folder.resolve("gptq");
        try (Checkpoint checkpoint = Checkpoints.open(
                new TinyLlama().hidden(64).ffn(96).layers(1).heads(2, 1).write(source))) {
            GptqPlan plan = GptqPlan.uniform(
                    version, format, new RoundingEncoder(), new GptqPlan.History("bitscarp:test", 0.01, false, false));
            GptqExport.write(checkpoint, gptq, plan, shardBytes);
        }
        return gptq;
    }

    private static String format(Path folder) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(folder)) {
            return checkpoint.weight(TensorRole.QUERY, 0).orElseThrow().formatName();
        }
    }

    @ParameterizedTest
    @CsvSource({"2,true", "2,false", "3,true", "3,false", "4,true", "4,false", "8,true", "8,false"})
    void thereAndBackIsTheSameFile(int bits, boolean symmetric) throws IOException {
        Path first = export(new GroupedInt(bits, BlockScope.group(32), symmetric), 1, Long.MAX_VALUE);
        Path second = folder.resolve("second");
        Path third = folder.resolve("third");
        GptqSummary there = GptqConvert.convert(first, second, 2, "test 1");
        GptqConvert.convert(second, third, 1, "test 1");
        assertEquals(7, there.packed());
        assertEquals(0, there.wrapped());
        assertTrue(format(first).endsWith("gptq v1") && format(second).endsWith("gptq v2"), format(second));
        assertEquals(ModelDigests.of(first), ModelDigests.of(second));
        assertEquals(-1, Files.mismatch(first.resolve("model.safetensors"), third.resolve("model.safetensors")));
        assertTrue(Files.mismatch(first.resolve("model.safetensors"), second.resolve("model.safetensors")) > 0);
        for (String file : new String[] {"config.json", "quantize_config.json"}) {
            assertEquals(-1, Files.mismatch(first.resolve(file), third.resolve(file)));
        }
    }

    @Test
    void shardsStayShards() throws IOException {
        Path first = export(new GroupedInt(4, BlockScope.ROW, true), 2, 10_000);
        Path second = folder.resolve("second");
        assertTrue(GptqConvert.convert(first, second, 1, "test 1").files() > 2);
        assertEquals(ModelDigests.of(first), ModelDigests.of(second));
    }

    /** A folder that says one version and holds the other is what such a conversion is most needed for. */
    @Test
    void aFolderThatLiesIsRepaired() throws IOException {
        Path lying = Path.of(java.net.URI.create(TinyLlama.class
                .getResource("internal/packed/gptq-says-v1-is-v2-4bit-sym")
                .toString()));
        Path honest = folder.resolve("honest");
        GptqConvert.convert(lying, honest, 2, "test 1");
        assertEquals("int4:g32:sym gptq v2 (declared v1)", format(lying));
        assertEquals("int4:g32:sym gptq v2", format(honest));
        assertEquals(-1, Files.mismatch(lying.resolve("model.safetensors"), honest.resolve("model.safetensors")));
        JsonNode config = JsonMapper.shared().readTree(honest.resolve("config.json"));
        assertEquals(
                "gptq_v2",
                config.path("quantization_config").path("checkpoint_format").stringValue());
    }

    @Test
    void otherFoldersAreRefused() throws IOException {
        Path plain = new TinyLlama().write(Files.createDirectories(folder.resolve("plain")));
        assertTrue(
                assertThrows(ModelException.class, () -> GptqConvert.convert(plain, folder.resolve("x"), 1, "test 1"))
                        .getMessage()
                        .contains("config.json"));
    }
}
