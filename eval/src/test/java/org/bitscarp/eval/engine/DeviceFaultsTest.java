package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.driver.DeviceLost;
import org.bitscarp.cuda.driver.FaultyGpuDriver;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.driver.LaunchFailed;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.generate.Sampler;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sweeps on a device that fails somewhere on the way: one clean message, and nothing left in its memory. */
class DeviceFaultsTest {
    private static final Path MODEL = Path.of("src/test/resources/fixtures/llama-gqa");
    private static final String LEVELS = "fp32,int4:g16,int3:g16:gptq-published";
    private static final int[] TOKENS = {1, 5, 9, 13, 2, 6};

    private final FaultyGpuDriver driver = new FaultyGpuDriver(GpuDevices.emulated());

    private static void run(FaultyGpuDriver driver) throws IOException {
        WindowPlan plan = Measurements.plan(TOKENS, TOKENS.length);
        try (Checkpoint checkpoint = Checkpoints.open(MODEL);
                CudaBackend backend = new CudaBackend(driver, 1 << 26, ComputeType.FP32, 1)) {
            Measurements.run(checkpoint, backend, plan, plan, LEVELS, Measurements.PLENTY);
        }
    }

    private static <E extends GpuException> E fails(Class<E> kind, FaultyGpuDriver driver) {
        E e = assertThrows(kind, () -> run(driver));
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
        driver.ledger().requireEmpty();
        return e;
    }

    @Test
    void withoutMemoryAtAnyAllocation() throws IOException {
        run(driver);
        driver.ledger().requireEmpty();
        long allocations = driver.allocations();
        assertTrue(allocations > 40, allocations + " allocations");
        for (long n = 1; n <= allocations; n++) {
            FaultyGpuDriver faulty = new FaultyGpuDriver(GpuDevices.emulated()).failAllocation(n);
            OutOfDeviceMemory e;
            try {
                e = fails(OutOfDeviceMemory.class, faulty);
            } catch (AssertionError unharmed) {
                // How often lanes ask for more room depends on who gets which matrix.
                if (faulty.allocations() >= n) {
                    throw unharmed;
                }
                continue;
            }
            assertTrue(e.getMessage().contains("--vram"), e.getMessage());
            assertEquals(0, e.getSuppressed().length, "giving back worked");
        }
    }

    @Test
    void writingWithoutMemoryAtAnyAllocation() throws IOException {
        write(driver);
        driver.ledger().requireEmpty();
        long allocations = driver.allocations();
        assertTrue(allocations > 30, allocations + " allocations");
        for (long n = 1; n <= allocations; n++) {
            FaultyGpuDriver faulty = new FaultyGpuDriver(GpuDevices.emulated()).failAllocation(n);
            OutOfDeviceMemory e = assertThrows(OutOfDeviceMemory.class, () -> write(faulty), "allocation " + n);
            assertTrue(e.getMessage().contains("--vram"), e.getMessage());
            assertEquals(0, e.getSuppressed().length, "giving back worked");
            faulty.ledger().requireEmpty();
        }
    }

    /** One level, from its packed weights. */
    private static void write(FaultyGpuDriver driver) throws IOException {
        ContinuationPlan plan = new ContinuationPlan(List.of(new int[] {3, 1, 4}), List.of(Sampler.GREEDY), 2);
        Level level = Level.parse("int4:g16");
        try (Checkpoint checkpoint = Checkpoints.open(MODEL);
                Lanes lanes = new Lanes(1);
                CudaBackend backend = new CudaBackend(driver, 1 << 26, ComputeType.FP32, 1)) {
            int layers = checkpoint.spec().layers();
            LevelTally tally =
                    new LevelTally(Recipe.of(checkpoint, List.of(level)).getFirst(), null, 0, layers);
            try (PackedLevels weights = RoundedLevels.of(
                    level.format(),
                    layers,
                    new WeightReader(checkpoint, lanes),
                    Path.of(System.getProperty("java.io.tmpdir")))) {
                new ContinuationPass(backend, checkpoint, TableInputs.NONE, lanes)
                        .run(plan, List.of(tally), weights, Measurements.PLENTY, begun -> {});
            }
        }
    }

    /** The layers that were finished before count, and nothing differs for the failure or for the lower limit. */
    @Test
    void afterRunningOutOfMemoryTheSweepGoesOn(@TempDir Path folder) throws IOException {
        List<LevelResult> expected = kept(driver, 1 << 26, folder.resolve("whole"), new ArrayList<>());
        // The vocabulary's tensors come last, some dozen of them.
        FaultyGpuDriver faulty = new FaultyGpuDriver(GpuDevices.emulated()).failAllocation(driver.allocations() - 4);
        Path out = folder.resolve("out");
        OutOfDeviceMemory e =
                assertThrows(OutOfDeviceMemory.class, () -> kept(faulty, 1 << 26, out, new ArrayList<>()));
        assertTrue(e.getMessage().contains("--vram"), e.getMessage());
        faulty.ledger().requireEmpty();
        List<String> notes = new ArrayList<>();
        FaultyGpuDriver healthy = new FaultyGpuDriver(GpuDevices.emulated());
        List<LevelResult> found = kept(healthy, 1 << 20, out, notes);
        assertTrue(notes.getFirst().contains("going on after layer 2 of 2"), notes.toString());
        for (int l = 0; l < expected.size(); l++) {
            assertArrayEquals(
                    expected.get(l).scores().nll(), found.get(l).scores().nll());
        }
        healthy.ledger().requireEmpty();
    }

    private static List<LevelResult> kept(FaultyGpuDriver driver, long memory, Path out, List<String> notes)
            throws IOException {
        WindowPlan plan = Measurements.plan(TOKENS, TOKENS.length);
        try (Checkpoint checkpoint = Checkpoints.open(MODEL);
                SweepFolder folder = SweepFolder.lock(out);
                CudaBackend backend = new CudaBackend(driver, memory, ComputeType.FP32, 1)) {
            return new Sweep(
                            checkpoint,
                            new Resources(
                                    backend,
                                    Measurements.PLENTY,
                                    Path.of(System.getProperty("java.io.tmpdir")),
                                    new Progress() {
                                        @Override
                                        public void report(String what, double done, double total) {}

                                        @Override
                                        public void note(String text) {
                                            notes.add(text);
                                        }
                                    }),
                            plan,
                            plan,
                            Recipe.of(checkpoint, Level.parseList(LEVELS)))
                    .keepIn(new Keeping(folder, 0), new Fingerprint().with("test", "device faults"))
                    .run();
        }
    }

    @Test
    void atALaunchAndWithTheDeviceLost() throws IOException {
        run(driver);
        for (int part = 1; part < 8; part++) {
            fails(
                    LaunchFailed.class,
                    new FaultyGpuDriver(GpuDevices.emulated()).failLaunch(driver.launches() * part / 8));
            fails(DeviceLost.class, new FaultyGpuDriver(GpuDevices.emulated()).loseDevice(driver.calls() * part / 8));
        }
    }
}
