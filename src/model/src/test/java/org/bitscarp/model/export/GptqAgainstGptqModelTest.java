package org.bitscarp.model.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Files of this writer as GPTQModel's own functions decode them. The fixture holds, for each export, the hash of each
 * weight that they make of it; its provenance tells how to make it again.
 */
class GptqAgainstGptqModelTest {
    /**
     * One export.
     *
     * @param order whether inputs are in another order: 37·i mod in, a permutation for even sizes
     */
    record Case(String name, GroupedInt format, int version, boolean order) {
        @Override
        public String toString() {
            return name;
        }
    }

    @TempDir
    Path folder;

    static Stream<Case> cases() {
        return Stream.of(
                new Case("v1-int4-g32-sym", new GroupedInt(4, BlockScope.group(32), true), 1, false),
                new Case("v1-int4-g64-order", new GroupedInt(4, BlockScope.group(64), false), 1, true),
                new Case("v1-int3-g32", new GroupedInt(3, BlockScope.group(32), false), 1, false),
                new Case("v2-int3-row-sym", new GroupedInt(3, BlockScope.ROW, true), 2, false),
                new Case("v2-int2-g128", new GroupedInt(2, BlockScope.group(128), false), 2, false),
                new Case("v1-int8-row-sym", new GroupedInt(8, BlockScope.ROW, true), 1, false));
    }

    /** What the fixture was made from, too. */
    static void export(Case layout, Path source, Path target) throws IOException {
        Files.createDirectories(source);
        TinyLlama model = new TinyLlama()
                .hidden(128)
                .ffn(256)
                .layers(1)
                .vocabulary(64)
                .seed(7)
                .format(NumberFormat.BF16);
        try (Checkpoint checkpoint = Checkpoints.open(model.write(source))) {
            GptqPlan plan = new GptqPlan(
                    layout.version(),
                    tensor -> tensor.role().linear() ? Optional.of(layout.format()) : Optional.empty(),
                    tensor -> layout.order() ? Optional.of(order(tensor.weight())) : Optional.empty(),
                    new RoundingEncoder(),
                    new GptqPlan.History("bitscarp:test", 0.01, false, false));
            GptqExport.write(checkpoint, target, plan);
        }
    }

    private static int[] order(Weight weight) {
        int in = (int) weight.columns();
        return IntStream.range(0, in).map(i -> 37 * i % in).toArray();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void decodedByGptqModel(Case layout) throws Exception {
        JsonNode expected;
        try (InputStream in = GptqAgainstGptqModelTest.class.getResourceAsStream("gptqmodel-decoded.json")) {
            JsonNode root = JsonMapper.shared().readTree(in);
            assertTrue(root.path("_provenance").stringValue("").contains("GPTQModel"));
            expected = root.path(layout.name());
        }
        assertEquals(7, expected.size());
        export(layout, folder.resolve("source"), folder.resolve("target"));
        try (Checkpoint written = Checkpoints.open(folder.resolve("target"));
                Arena arena = Arena.ofConfined()) {
            for (TensorRole role : List.of(TensorRole.values())) {
                if (role.linear() && written.weight(role, 0).isPresent()) {
                    Weight weight = written.weight(role, 0).get();
                    MemorySegment all = arena.allocate(4 * weight.size(), 4);
                    weight.read(0, weight.rows(), all, 0);
                    assertEquals(expected.path(weight.name()).stringValue(), sha256(all), weight.name());
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
