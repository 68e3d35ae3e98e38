package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.driver.FaultyGpuDriver;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.SolveStats;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Levels that are quantized on a device: the CPU's bytes and counts, from one upload of each layer. */
class DeviceQuantizationTest {
    private static final Path MODEL = Path.of("src/test/resources/fixtures/llama-gqa");
    private static final int[] TOKENS = {1, 5, 9, 13, 2, 6};
    private static final long PLENTY = 1L << 28;

    private final WindowPlan plan = Measurements.plan(TOKENS, TOKENS.length);
    private Checkpoint checkpoint;

    @BeforeEach
    void open() throws IOException {
        checkpoint = Checkpoints.open(MODEL);
    }

    @AfterEach
    void close() {
        checkpoint.close();
    }

    /** What a sweep packed, counted and said of the device. */
    private record Swept(Map<String, byte[]> packed, List<LevelResult> results, DeviceQuantization device) {}

    private Swept sweep(Backend backend, String levels, boolean keep) throws IOException {
        Map<String, byte[]> packed = new TreeMap<>();
        try (backend) {
            Sweep sweep = new Sweep(
                    checkpoint,
                    Measurements.resources(backend),
                    plan,
                    plan,
                    Recipe.of(checkpoint, Level.parseList(levels)));
            if (keep) {
                sweep.sendTo(p -> packed.put(
                        p.level() + " " + p.layer() + " " + p.role() + " " + p.expert(),
                        p.matrix().bytes().asSlice(0, p.matrix().byteSize()).toArray(ValueLayout.JAVA_BYTE)));
            }
            return new Swept(packed, sweep.run(), sweep.device());
        }
    }

    private static CudaBackend emulated(FaultyGpuDriver driver, long memory) {
        return new CudaBackend(driver, memory, ComputeType.FP32, 2);
    }

    private static FaultyGpuDriver driver() {
        return new FaultyGpuDriver(GpuDevices.emulated());
    }

    @Test
    void bytesAndCountsAreThoseOfTheCpu() throws IOException {
        String levels = "fp32,fp16,bf16,int8:g7,int4:g16,int3:row:sym,nf4:g32,ternary,int2:g16:search,nf4:search";
        Swept cpu = sweep(CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2), levels, true);
        Swept device = sweep(emulated(driver(), PLENTY), levels, true);
        assertTrue(cpu.packed.size() >= 8 * 7, cpu.packed.size() + " matrices");
        assertEquals(cpu.packed.keySet(), device.packed.keySet());
        // The last two search by importances, whose sums on the device differ in the order of additions.
        int exact = cpu.results.size() - 2;
        cpu.packed.forEach((place, bytes) -> {
            if (place.charAt(0) - '0' < exact) {
                assertArrayEquals(bytes, device.packed.get(place), place);
            }
        });
        for (int l = 0; l < exact; l++) {
            SolveStats expected = cpu.results.get(l).stats();
            SolveStats found = device.results.get(l).stats();
            String level = cpu.results.get(l).name();
            assertEquals(expected.squaredError, found.squaredError, level);
            assertEquals(expected.squaredWeights, found.squaredWeights, level);
            assertEquals(expected.weights, found.weights, level);
            assertEquals(expected.fallbacks, found.fallbacks, level);
            assertEquals(
                    cpu.results.get(l).quantizedBytes(), device.results.get(l).quantizedBytes(), level);
        }
        assertEquals(8, device.device.onDevice().size());
        String note = device.device.note().orElseThrow();
        assertTrue(
                note.startsWith("Quantized on the device from one upload of each layer: fp16, bf16, int8:g7")
                        && note.endsWith("for want of a kernel, and uploaded packed: nf4:search."),
                note);
        assertTrue(cpu.device.note().isEmpty());
    }

    /**
     * Sums of x·xᵀ differ in the order of additions, so single codes may differ; what GPTQ is about does not: the relative
     * error of weights and of hidden states is the CPU's, and far from that of rounding to nearest.
     */
    @Test
    void errorFeedbackFromSumsOnTheDeviceIsAsGoodAsTheCpus() throws IOException {
        String levels = "fp32,int3:g16:gptq-published,int3:g16";
        Swept cpu = sweep(CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2), levels, false);
        Swept device = sweep(emulated(driver(), PLENTY), levels, false);
        assertEquals(2, device.device.onDevice().size());
        int last = checkpoint.spec().layers() - 1;
        double nearest = cpu.results.get(2).layerErrors()[last];
        double expected = cpu.results.get(1).layerErrors()[last];
        double found = device.results.get(1).layerErrors()[last];
        double tolerance = 0.02 * Math.abs(nearest - expected);
        assertTrue(Math.abs(found - expected) <= tolerance, expected + " on the CPU, " + found + ", rtn " + nearest);
        double weights = cpu.results.get(1).stats().relativeError();
        assertEquals(weights, device.results.get(1).stats().relativeError(), 1e-3 * weights);
        assertEquals(cpu.results.get(1).stats().fallbacks, device.results.get(1).stats().fallbacks);
    }

    /** From the same sums on the device, it does not matter where GPTQ runs. */
    @Test
    void errorFeedbackIsTheSameOnTheHostToTheBit() throws IOException {
        String levels = "fp32,int3:g16:gptq-published,int4:g16:gptq,int3:g12:gptq-actorder,int2:g16:gptq-sequential,"
                + "nf4:g16:gptq-published";
        Swept plenty = sweep(emulated(driver(), PLENTY), levels, true);
        Swept scarce = sweep(emulated(driver(), plenty.device.needed() - 1), levels, true);
        assertEquals(5, plenty.device.onDevice().size());
        assertTrue(plenty.device.used() && !scarce.device.used());
        plenty.packed.forEach((place, bytes) -> assertArrayEquals(bytes, scarce.packed.get(place), place));
        for (int level = 1; level <= 5; level++) {
            assertEquals(
                    plenty.results.get(level).stats().squaredError,
                    scarce.results.get(level).stats().squaredError);
        }
    }

    /** A further level uploads its hidden states, and of its weights nothing. */
    @Test
    void levelsShareOneUpload() throws IOException {
        FaultyGpuDriver one = driver();
        sweep(emulated(one, PLENTY), "fp32,int4:g16", false);
        FaultyGpuDriver four = driver();
        Swept swept = sweep(emulated(four, PLENTY), "fp32,int4:g16,int3:g16,nf4:g32,int2:g16", false);
        // Six tokens in fp32: two loads per layer, one of them for the distance, and one before the vocabulary; few
        // targets.
        long states = 4L
                * TOKENS.length
                * checkpoint.spec().hidden()
                * (2L * checkpoint.spec().layers() + 1);
        long most = 3 * (states + 256);
        long more = four.uploaded() - one.uploaded();
        assertTrue(more <= most, more + " bytes for three levels, expected at most " + most);
        long packed = swept.results.stream()
                .skip(2)
                .mapToLong(LevelResult::quantizedBytes)
                .sum();
        assertTrue(most < packed, "their packed bytes would be more: " + packed);
    }

    /** The device is held up in the first of two layers until the second one is there, which it would not be otherwise. */
    @Test
    void theNextLayerComesInWhileThisOneIsAtWork() throws IOException {
        long both = 4 * linearWeights();
        AtomicInteger held = new AtomicInteger();
        AtomicBoolean there = new AtomicBoolean();
        FaultyGpuDriver driver = driver();
        driver.beforeLaunch(function -> {
            if (function.name().equals("quantize_int") && held.getAndIncrement() == 0) {
                long deadline = System.nanoTime() + 20_000_000_000L;
                while (driver.uploaded() < both && System.nanoTime() < deadline) {
                    Thread.onSpinWait();
                }
                there.set(driver.uploaded() >= both);
            }
        });
        Swept ahead = sweep(emulated(driver, PLENTY), "fp32,int4:g16", false);
        assertTrue(held.get() > 0 && there.get(), driver.uploaded() + " bytes uploaded in all");
        // Room for two copies of a layer, and not for a third.
        Swept behind = sweep(emulated(driver(), ahead.device.needed()), "fp32,int4:g16", false);
        assertTrue(ahead.device.ahead() && behind.device.used() && !behind.device.ahead());
        for (int l = 0; l < 2; l++) {
            assertArrayEquals(
                    ahead.results.get(l).scores().nll(),
                    behind.results.get(l).scores().nll());
        }
    }

    private long linearWeights() {
        long weights = 0;
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                weights += checkpoint.weight(role, layer).map(Weight::size).orElse(0L);
            }
        }
        return weights;
    }

    @Test
    void withoutRoomForTwoCopiesTheHostQuantizesAndNoFigureChanges() throws IOException {
        String levels = "fp32,int4:g16,ternary:g32";
        Swept plenty = sweep(emulated(driver(), PLENTY), levels, false);
        long room = plenty.device.needed() - 1;
        Swept scarce = sweep(emulated(driver(), room), levels, false);
        String note = scarce.device.note().orElseThrow();
        assertTrue(note.startsWith("Levels were quantized on the host") && note.contains("--vram"), note);
        for (int l = 0; l < 3; l++) {
            LevelResult expected = plenty.results.get(l);
            LevelResult found = scarce.results.get(l);
            assertArrayEquals(expected.scores().nll(), found.scores().nll());
            assertEquals(expected.stats().squaredError, found.stats().squaredError);
        }
    }
}
