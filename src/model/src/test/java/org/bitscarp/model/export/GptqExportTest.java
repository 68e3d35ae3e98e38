package org.bitscarp.model.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GptqExportTest {
    private static final GptqPlan.History HISTORY = new GptqPlan.History("bitscarp:test", 0.01, true, false);
    private static final GroupedInt INT4 = new GroupedInt(4, BlockScope.group(32), true);

    @TempDir
    Path folder;

    private final RoundingEncoder encoder = new RoundingEncoder();

    static Stream<Arguments> everyLayout() {
        List<Arguments> all = new ArrayList<>();
        for (int bits : new int[] {2, 3, 4, 8}) {
            for (boolean symmetric : new boolean[] {true, false}) {
                for (BlockScope scope : List.of(BlockScope.group(32), BlockScope.group(128), BlockScope.ROW)) {
                    for (int version : new int[] {1, 2}) {
                        all.add(Arguments.of(new GroupedInt(bits, scope, symmetric), version));
                    }
                }
            }
        }
        return all.stream();
    }

    private static TinyLlama model() {
        return new TinyLlama()
                .hidden(128)
                .ffn(256)
                .layers(1)
                .vocabulary(64)
                .tied(false)
                .biases(true)
                .format(NumberFormat.BF16);
    }

    private Checkpoint source() throws IOException {
        Path path = folder.resolve("source");
        Files.createDirectories(path);
        Files.writeString(path.resolve("tokenizer_config.json"), "{}");
        Files.writeString(path.resolve("notes.txt"), "not part of the model");
        return Checkpoints.open(model().write(path));
    }

    private Path target() {
        return folder.resolve("target");
    }

    @ParameterizedTest
    @MethodSource("everyLayout")
    void whatIsReadIsWhatThePackedRowsDecodeTo(GroupedInt format, int version) throws IOException {
        try (Checkpoint source = source()) {
            GptqSummary summary =
                    GptqExport.write(source, target(), GptqPlan.uniform(version, format, encoder, HISTORY));
            assertEquals(7, summary.packed());
            assertEquals(1, summary.files());
            assertEquals(Files.size(target().resolve("model.safetensors")), summary.bytes());
            assertTrue(version == 1 || summary.wrapped() == 0);
            try (Checkpoint written = Checkpoints.open(target())) {
                assertEquals(source.spec().mlp(), written.spec().mlp());
                String scope = format.scope() == BlockScope.ROW
                        ? "row"
                        : format.scope().toString();
                String expected =
                        "int" + format.bits() + ":" + scope + (format.symmetric() ? ":sym" : "") + " gptq v" + version;
                for (TensorRole role : TensorRole.values()) {
                    Optional<Weight> before = source.weight(role, 0);
                    assertEquals(before.isPresent(), written.weight(role, 0).isPresent());
                    if (before.isPresent()) {
                        Weight after = written.weight(role, 0).get();
                        assertArrayEquals(
                                role.linear() ? encoder.decoded.get(after.name()) : values(before.get()),
                                values(after),
                                after.name());
                        if (role.linear()) {
                            boolean one = format.blockLength((int) after.columns()) == after.columns();
                            assertEquals(one ? expected.replace(scope, "row") : expected, after.formatName());
                        }
                    }
                }
            }
        }
        assertTrue(Files.exists(target().resolve("tokenizer_config.json")));
        assertFalse(Files.exists(target().resolve("notes.txt")));
    }

    private static float[] values(Weight weight) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(4 * weight.size(), 4);
            weight.read(0, weight.rows(), all, 0);
            return all.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void configurationHasTheKeysThatReadersLookFor() throws IOException {
        GroupedInt format = new GroupedInt(4, BlockScope.ROW, false);
        try (Checkpoint source = source()) {
            GptqExport.write(source, target(), GptqPlan.uniform(2, format, encoder, HISTORY));
        }
        JsonNode config = JsonMapper.shared().readTree(target().resolve("config.json"));
        JsonNode quantization = JsonMapper.shared().readTree(target().resolve("quantize_config.json"));
        assertEquals(quantization, config.path("quantization_config"));
        assertEquals("LlamaForCausalLM", config.path("architectures").get(0).stringValue());
        assertEquals(JsonMapper.shared().readTree("""
                        {"bits": 4, "group_size": -1, "sym": false, "desc_act": false, "static_groups": false,
                         "true_sequential": true, "damp_percent": 0.01, "lm_head": false, "quant_method": "gptq",
                         "checkpoint_format": "gptq_v2", "pack_dtype": "int32", "meta": {"quantizer": ["bitscarp:test"]}}"""), quantization);
    }

    @Test
    void columnsInAnotherOrderKeepTheirGroups() throws IOException {
        Map<String, int[]> orders = new java.util.HashMap<>();
        GptqPlan plan = new GptqPlan(
                1,
                tensor -> tensor.role().linear() ? Optional.of(INT4) : Optional.empty(),
                tensor -> Optional.of(orders.computeIfAbsent(tensor.name(), n -> {
                    List<Integer> inputs = new ArrayList<>();
                    for (int i = 0; i < tensor.weight().columns(); i++) {
                        inputs.add(i);
                    }
                    Collections.shuffle(inputs, new Random(n.hashCode()));
                    return inputs.stream().mapToInt(i -> i).toArray();
                })),
                encoder,
                HISTORY);
        try (Checkpoint source = source()) {
            GptqExport.write(source, target(), plan);
        }
        try (Checkpoint written = Checkpoints.open(target())) {
            for (Map.Entry<String, int[]> entry : orders.entrySet()) {
                Weight weight = weight(written, entry.getKey());
                float[] found = values(weight);
                float[] packed = encoder.decoded.get(entry.getKey());
                int in = (int) weight.columns();
                for (int i = 0; i < found.length; i++) {
                    assertEquals(packed[i], found[i / in * in + entry.getValue()[i % in]], entry.getKey());
                }
            }
            assertEquals(7, orders.size());
        }
        assertTrue(JsonMapper.shared()
                .readTree(target().resolve("quantize_config.json"))
                .path("desc_act")
                .booleanValue());
    }

    private static Weight weight(Checkpoint checkpoint, String name) {
        return checkpoint.weights().stream()
                .filter(w -> w.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void otherFormatsForSomeMapsBecomeOverrides() throws IOException {
        GroupedInt wide = new GroupedInt(8, BlockScope.ROW, true);
        GptqPlan plan = new GptqPlan(
                1,
                tensor -> switch (tensor.role()) {
                    case DOWN -> Optional.of(wide);
                    case KEY -> Optional.empty();
                    case HEAD -> Optional.of(INT4);
                    default -> Optional.of(INT4);
                },
                tensor -> Optional.empty(),
                encoder,
                HISTORY);
        try (Checkpoint source = source()) {
            GptqExport.write(source, target(), plan);
        }
        JsonNode config = JsonMapper.shared().readTree(target().resolve("quantize_config.json"));
        assertEquals(JsonMapper.shared().readTree("""
                        {"+:^model\\\\.layers\\\\.0\\\\.mlp\\\\.down_proj$": {"bits": 8, "group_size": -1, "sym": true},
                         "-:^model\\\\.layers\\\\.0\\\\.self_attn\\\\.k_proj$": {}}"""), config.path("dynamic"));
        assertTrue(config.path("lm_head").booleanValue());
        try (Checkpoint written = Checkpoints.open(target())) {
            assertEquals(
                    "int8:row:sym gptq v1",
                    written.weight(TensorRole.DOWN, 0).orElseThrow().formatName());
            assertEquals("BF16", written.weight(TensorRole.KEY, 0).orElseThrow().formatName());
            assertEquals(
                    "int4:g32:sym gptq v1",
                    written.weight(TensorRole.HEAD, 0).orElseThrow().formatName());
            encoder.decoded.forEach((name, expected) -> {
                try {
                    assertArrayEquals(expected, values(weight(written, name)), name);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    @Test
    void shardsHaveAnIndex() throws IOException {
        try (Checkpoint source = source()) {
            GptqSummary summary =
                    GptqExport.write(source, target(), GptqPlan.uniform(1, INT4, encoder, HISTORY), 40_000);
            assertTrue(summary.files() > 2, summary.toString());
            try (Checkpoint written = Checkpoints.open(target())) {
                for (String name : encoder.decoded.keySet()) {
                    assertArrayEquals(encoder.decoded.get(name), values(weight(written, name)), name);
                }
            }
        }
        JsonNode index = JsonMapper.shared().readTree(target().resolve("model.safetensors.index.json"));
        assertTrue(index.path("metadata").path("total_size").longValue() > 40_000);
    }

    @Test
    void whatCannotBeWrittenLeavesNothingBehind() throws IOException {
        try (Checkpoint source = source()) {
            GptqPlan plan = GptqPlan.uniform(1, new GroupedInt(4, BlockScope.group(48), true), encoder, HISTORY);
            String message = assertThrows(ModelException.class, () -> GptqExport.write(source, target(), plan))
                    .getMessage();
            assertTrue(message.contains("q_proj") && message.contains("48"), message);
            GptqPlan five = GptqPlan.uniform(1, new GroupedInt(5, BlockScope.ROW, true), encoder, HISTORY);
            assertTrue(assertThrows(ModelException.class, () -> GptqExport.write(source, target(), five))
                    .getMessage()
                    .contains("2, 3, 4 or 8 bits"));
            GptqPlan failing = GptqPlan.uniform(
                    1,
                    INT4,
                    (tensor, format, firstRow, rows, bytes) -> {
                        throw new IOException("disk on fire");
                    },
                    HISTORY);
            assertThrows(IOException.class, () -> GptqExport.write(source, target(), failing));
            Files.createDirectories(target());
            Files.writeString(target().resolve("precious"), "");
            assertTrue(assertThrows(
                            ModelException.class,
                            () -> GptqExport.write(source, target(), GptqPlan.uniform(1, INT4, encoder, HISTORY)))
                    .getMessage()
                    .contains("not an empty folder"));
        }
        try (Stream<Path> entries = Files.list(folder)) {
            assertEquals(
                    List.of("source", "target"),
                    entries.map(p -> p.getFileName().toString()).sorted().collect(Collectors.toList()));
        }
    }

    /** GPTQ made of GPTQ: scales and codes of the first packing must not survive beside the second. */
    @Test
    void aPackedSourceIsPackedAgain() throws IOException {
        Path first = folder.resolve("first");
        try (Checkpoint source = source()) {
            GptqExport.write(source, first, GptqPlan.uniform(1, INT4, encoder, HISTORY));
        }
        RoundingEncoder again = new RoundingEncoder();
        try (Checkpoint source = Checkpoints.open(first)) {
            GptqExport.write(
                    source, target(), GptqPlan.uniform(2, new GroupedInt(8, BlockScope.ROW, false), again, HISTORY));
        }
        try (Checkpoint written = Checkpoints.open(target())) {
            assertEquals(7, again.decoded.size());
            for (String name : again.decoded.keySet()) {
                assertArrayEquals(again.decoded.get(name), values(weight(written, name)), name);
            }
        }
    }
}
