package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statistics of a calibration that other runs take over. */
class KeptHessiansTest {
    private static final String LEVEL = "int3:g8:gptq";

    @TempDir
    Path folder;

    private static Fingerprint fingerprint(String text) {
        return new Fingerprint().with("model", "a").with("calibration text", text);
    }

    private static WindowPlan windows(int tokens) {
        return Measurements.plan(
                new SplittableRandom(5)
                        .ints(tokens, 0, Architectures.VOCABULARY)
                        .toArray(),
                40);
    }

    private static Map<String, byte[]> quantize(Checkpoint model, WindowPlan windows, KeptHessians kept)
            throws IOException {
        Map<String, byte[]> packed = new LinkedHashMap<>();
        Level level = Level.parse(LEVEL);
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            new QuantizePass(model, Measurements.resources(backend), Recipe.of(model, level), windows)
                    .importances(GivenImportance.NONE.with(kept), null)
                    .linearMaps(p -> packed.put(
                            p.layer() + " " + p.role() + " " + p.expert(),
                            p.matrix().bytes().toArray(JAVA_BYTE)));
        }
        return packed;
    }

    private static void assertSameBytes(Map<String, byte[]> expected, Map<String, byte[]> found) {
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((name, bytes) -> assertArrayEquals(bytes, found.get(name), name));
    }

    /** Reused statistics give the same bytes; that no window is looked at is shown with windows of another text. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "neox", "mixtral", "qwen3-moe"})
    void theSameBytesWithAndWithout(String architecture) throws IOException {
        RandomDecoder model = Architectures.of(architecture);
        Map<String, byte[]> without = quantize(model, windows(1000), null);
        try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model)) {
            assertFalse(kept.complete());
            assertSameBytes(without, quantize(model, windows(1000), kept));
        }
        try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model)) {
            assertTrue(kept.complete());
            assertSameBytes(without, quantize(model, windows(80), kept));
        }
        assertFalse(Arrays.equals(
                without.get("0 OUTPUT 0"), quantize(model, windows(80), null).get("0 OUTPUT 0")));
    }

    /** A sweep reads them too, next to levels with inputs of their own. */
    @Test
    void aSweepTakesThemOver() throws IOException {
        RandomDecoder model = Architectures.of("llama");
        String levels = "fp32,int3:g8:search,int2:g8:gptq,int3:g8:gptq-published,int3:g8:gptaq";
        List<LevelResult> without = sweep(model, null, levels);
        for (int run = 0; run < 2; run++) {
            try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model)) {
                assertEquals(run == 1, kept.complete());
                List<LevelResult> with = sweep(model, kept, levels);
                for (int l = 0; l < with.size(); l++) {
                    assertArrayEquals(
                            without.get(l).scores().nll(), with.get(l).scores().nll());
                }
            }
        }
    }

    private static List<LevelResult> sweep(RandomDecoder model, KeptHessians kept, String levels) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            return new Sweep(
                            model,
                            Measurements.resources(backend),
                            windows(400),
                            windows(800),
                            Recipe.of(model, Level.parseList(levels)))
                    .goBy(GivenImportance.NONE.with(kept))
                    .run();
        }
    }

    @Test
    void anotherCalibrationIsRefusedWithWhatDiffers() throws IOException {
        RandomDecoder model = Architectures.of("llama");
        try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model)) {
            quantize(model, windows(200), kept);
        }
        IOException e = assertThrows(IOException.class, () -> KeptHessians.open(folder, fingerprint("b"), model));
        assertTrue(e.getMessage().contains("calibration text (was a, is b)"), e.getMessage());
        assertTrue(e.getMessage().contains("--hessians"), e.getMessage());
    }

    @Test
    void damageIsFound() throws IOException {
        RandomDecoder model = Architectures.of("llama");
        try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model)) {
            quantize(model, windows(200), kept);
        }
        Path file = folder.resolve("layer-1.bin");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 4;
        Files.write(file, bytes);
        try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model);
                Arena arena = Arena.ofShared()) {
            kept.read(0, arena);
            IOException e = assertThrows(IOException.class, () -> kept.read(1, arena));
            assertTrue(e.getMessage().contains("layer-1.bin is damaged"), e.getMessage());
        }
    }

    /** Whole files with a right checksum whose content is nonsense: refused before anything is allocated by it. */
    @ParameterizedTest
    @ValueSource(strings = {"GATE", "EXPERT_UP", "NOTHING"})
    void inputsThatTheModelDoesNotHaveAreRefused(String role) throws IOException {
        refused(Architectures.of("llama"), role, 0, "an input that this model does not have");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1, Integer.MAX_VALUE})
    void expertsThatTheModelDoesNotHaveAreRefused(int expert) throws IOException {
        refused(Architectures.of("llama"), "QUERY", expert, "expert " + expert);
    }

    private void refused(RandomDecoder model, String role, int expert, String message) throws IOException {
        try (SweepFolder files = SweepFolder.lockPlain(folder, "--hessians")) {
            for (int layer = 0; layer < model.spec().layers(); layer++) {
                files.write("layer-" + layer, fingerprint("a"), out -> {
                    out.writeInt(1);
                    out.writeUTF(role);
                    for (int i = 0; i < 32; i++) {
                        out.writeFloat(1);
                    }
                    out.writeInt(Integer.MAX_VALUE);
                    out.writeInt(expert);
                });
            }
        }
        try (KeptHessians kept = KeptHessians.open(folder, fingerprint("a"), model);
                Arena arena = Arena.ofShared()) {
            IOException e = assertThrows(IOException.class, () -> kept.read(0, arena));
            assertTrue(e.getMessage().contains(message), e.getMessage());
        }
    }
}
