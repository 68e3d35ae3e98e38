package org.bitscarp.model.internal.packed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Weight;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Small models packed by independent scripts, with the values that those have computed ({@code expected.json}). */
class PackedFixturesTest {
    private static final int LINEAR_MAPS = 7;

    /** What each is, as it must be named. */
    private static final Map<String, String> FORMATS = Map.ofEntries(
            Map.entry("awq-gemm-g32", "int4:g32 awq"),
            Map.entry("bitnet-auto-packed", "ternary:tensor bitnet"),
            Map.entry("bitnet-online", "ternary:tensor bitnet online"),
            Map.entry("bitnet-packed", "ternary:tensor bitnet"),
            Map.entry("bnb-fp4-b128", "fp4:b128 bitsandbytes"),
            Map.entry("bnb-nf4", "nf4:b64 bitsandbytes"),
            Map.entry("bnb-nf4-double", "nf4:b64:double bitsandbytes"),
            Map.entry("ct-w3-channel-asym", "int3:row compressed-tensors"),
            Map.entry("ct-w4-group-asym-order", "int4:g32 compressed-tensors"),
            Map.entry("ct-w4-group-sym", "int4:g32:sym compressed-tensors"),
            Map.entry("ct-w4-tensor-sym", "int4:tensor:sym compressed-tensors"),
            Map.entry("ct-w8-channel-sym", "int8:row:sym compressed-tensors"),
            Map.entry("gptq-dynamic", "int4:g32:sym gptq v1"),
            Map.entry("gptq-says-v1-is-v2-4bit-sym", "int4:g32:sym gptq v2 (declared v1)"),
            Map.entry("gptq-says-v2-is-v1-2bit-sym", "int2:row:sym gptq v1 (declared v2)"),
            Map.entry("gptq-v1-3bit-asym-g32", "int3:g32 gptq v1"),
            Map.entry("gptq-v1-4bit-asym-g32-order", "int4:g32 gptq v1"),
            Map.entry("gptq-v1-4bit-sym-g32", "int4:g32:sym gptq v1"),
            Map.entry("gptq-v1-8bit-sym-row", "int8:row:sym gptq v1"),
            Map.entry("gptq-v2-2bit-asym-g32", "int2:g32 gptq v2"),
            Map.entry("gptq-v2-3bit-asym-row", "int3:row gptq v2"),
            Map.entry("gptq-v2-3bit-sym-g64-order", "int3:row:sym gptq v2"));

    static Stream<Path> fixtures() throws IOException, URISyntaxException {
        Path root = Path.of(PackedFixturesTest.class
                        .getResource("gptq-v1-4bit-sym-g32")
                        .toURI())
                .getParent();
        try (Stream<Path> folders = Files.list(root)) {
            return folders.filter(Files::isDirectory).sorted().toList().stream();
        }
    }

    @Test
    void everyFixtureIsNamed() throws Exception {
        assertEquals(
                FORMATS.keySet(),
                fixtures().map(folder -> folder.getFileName().toString()).collect(Collectors.toSet()));
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void valuesAreThoseOfAnIndependentDecoder(Path folder) throws Exception {
        JsonNode expected = JsonMapper.shared().readTree(folder.resolve("expected.json"));
        assertTrue(expected.path("_provenance").stringValue("").contains("numpy"));
        try (Checkpoint checkpoint = Checkpoints.open(folder);
                Arena arena = Arena.ofConfined()) {
            List<Weight> linears = checkpoint.weights().stream()
                    .filter(w -> expected.path("weights").has(w.name()))
                    .toList();
            assertEquals(LINEAR_MAPS, linears.size());
            assertEquals(
                    FORMATS.get(folder.getFileName().toString()),
                    linears.getFirst().formatName());
            for (Weight weight : linears) {
                check(weight, expected.path("weights").path(weight.name()), arena);
            }
        }
    }

    private static void check(Weight weight, JsonNode expected, Arena arena) throws Exception {
        assertEquals(expected.path("shape").get(0).longValue(), weight.rows());
        assertEquals(expected.path("shape").get(1).longValue(), weight.columns());
        MemorySegment all = arena.allocate(4 * weight.size(), 4);
        weight.read(0, weight.rows(), all, 0);
        for (int i = 0; i < 4; i++) {
            assertEquals(
                    expected.path("row_1_first_4").get(i).floatValue(),
                    all.getAtIndex(ValueLayout.JAVA_FLOAT, weight.columns() + i),
                    weight.name());
            assertEquals(
                    expected.path("last_row_last_4").get(i).floatValue(),
                    all.getAtIndex(ValueLayout.JAVA_FLOAT, weight.size() - 4 + i),
                    weight.name());
        }
        assertEquals(expected.path("sha256").stringValue(), sha256(all), weight.name());
        rowsAreThoseOfTheWhole(weight, all, arena);
    }

    /** Any range of rows, at any offset, and nothing beside it. */
    private static void rowsAreThoseOfTheWhole(Weight weight, MemorySegment all, Arena arena) throws IOException {
        long rowBytes = 4 * weight.columns();
        for (long first : new long[] {0, 1, 7, 8, 13, weight.rows() - 1}) {
            for (long rows : new long[] {0, 1, 3, 9, weight.rows()}) {
                if (first + rows <= weight.rows()) {
                    MemorySegment target = arena.allocate(rows * rowBytes + 24).fill((byte) 0x5A);
                    weight.read(first, rows, target, 12);
                    assertEquals(
                            -1,
                            target.asSlice(12, rows * rowBytes)
                                    .mismatch(all.asSlice(first * rowBytes, rows * rowBytes)),
                            weight.name() + " rows from " + first);
                    for (long i = 0; i < 12; i++) {
                        assertEquals(0x5A, target.get(ValueLayout.JAVA_BYTE, i));
                        assertEquals(0x5A, target.get(ValueLayout.JAVA_BYTE, target.byteSize() - 1 - i));
                    }
                }
            }
        }
    }

    private static String sha256(MemorySegment bytes) throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(bytes.asByteBuffer());
        return HexFormat.of().formatHex(digest.digest());
    }
}
