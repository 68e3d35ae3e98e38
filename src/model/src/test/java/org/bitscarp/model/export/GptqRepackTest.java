package org.bitscarp.model.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelDigests;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.TinyLlama;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Folders that others packed, in GPTQ's layout and as plain numbers: the same weights to the last bit. */
class GptqRepackTest {
    @TempDir
    Path folder;

    private static Path packed(String name) throws URISyntaxException {
        return Path.of(TinyLlama.class.getResource("internal/packed/" + name).toURI());
    }

    static Stream<Path> fixtures() throws IOException, URISyntaxException {
        try (Stream<Path> folders = Files.list(packed(""))) {
            return folders.filter(Files::isDirectory).sorted().toList().stream();
        }
    }

    private static String format(Path model) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(model)) {
            return checkpoint.weight(TensorRole.QUERY, 0).orElseThrow().formatName();
        }
    }

    private static JsonNode quantization(Path model) {
        return JsonMapper.shared().readTree(model.resolve("config.json")).path("quantization_config");
    }

    @ParameterizedTest
    @CsvSource({
        "awq-gemm-g32,int4:g32,false",
        "ct-w3-channel-asym,int3:row,false",
        "ct-w4-group-asym-order,int4:g32,false",
        "ct-w4-group-sym,int4:g32:sym,true",
        "ct-w4-tensor-sym,int4:row:sym,true",
        "ct-w8-channel-sym,int8:row:sym,true"
    })
    void codesAreMoved(String name, String format, boolean symmetric) throws Exception {
        Path second = folder.resolve("v2");
        GptqConvert.convert(packed(name), second, 2, "test 1");
        assertEquals(ModelDigests.of(packed(name)), ModelDigests.of(second));
        assertEquals(format + " gptq v2", format(second));
        assertEquals(symmetric, quantization(second).path("sym").booleanValue());
        assertEquals(
                name.endsWith("order"), quantization(second).path("desc_act").booleanValue());
        Path first = folder.resolve("v1");
        if (symmetric) {
            GptqConvert.convert(packed(name), first, 1, "test 1");
            assertEquals(ModelDigests.of(packed(name)), ModelDigests.of(first));
            assertEquals(format + " gptq v1", format(first));
        } else {
            String refusal = assertThrows(
                            ModelException.class, () -> GptqConvert.convert(packed(name), first, 1, "test 1"))
                    .getMessage();
            assertTrue(refusal.contains("zero point of 0") && refusal.contains("--gptq-format v2"), refusal);
            assertFalse(Files.exists(first));
        }
    }

    @ParameterizedTest
    @CsvSource({"bnb-nf4,nf4:b64", "bnb-nf4-double,nf4:b64:double", "bnb-fp4-b128,fp4:b128", "bitnet-packed,ternary"})
    void whatIsNoIntegerOnAnEvenGridIsRefused(String name, String format) {
        String refusal = assertThrows(
                        ModelException.class, () -> GptqConvert.convert(packed(name), folder.resolve("x"), 2, "test 1"))
                .getMessage();
        assertTrue(refusal.contains(format) && refusal.contains("--dequantize"), refusal);
        assertFalse(Files.exists(folder.resolve("x")));
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void plainNumbers(Path fixture) throws IOException {
        Path target = folder.resolve("plain");
        try (Checkpoint source = Checkpoints.open(fixture)) {
            if (fixture.getFileName().toString().startsWith("bitnet")) {
                String refusal = assertThrows(
                                ModelException.class, () -> HuggingFaceConvert.convert(source, target, true))
                        .getMessage();
                assertTrue(refusal.contains("rounds activations to 8 bits"), refusal);
                return;
            }
            HuggingFaceConvert.convert(source, target, true);
        }
        assertEquals(ModelDigests.of(fixture), ModelDigests.of(target));
        assertEquals("FP32", format(target));
        assertTrue(quantization(target).isMissingNode());
    }

    @Test
    void nothingToUnpack() throws IOException {
        Path plain = new TinyLlama().write(Files.createDirectories(folder.resolve("plain")));
        try (Checkpoint source = Checkpoints.open(plain)) {
            for (boolean dequantize : new boolean[] {false, true}) {
                String refusal = assertThrows(
                                ModelException.class,
                                () -> HuggingFaceConvert.convert(source, folder.resolve("x"), dequantize))
                        .getMessage();
                assertTrue(refusal.contains("already"), refusal);
            }
        }
    }
}
