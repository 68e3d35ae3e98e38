package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole sweeps through the kernels that a GPU runs. */
class EmulatedSweepTest {
    private static final Path MODEL = Path.of("src/test/resources/fixtures/llama-gqa");
    private static final int VOCABULARY = 67;
    private static final String LEVELS = "fp32,int4:g32,int2:g16:search,int3:g16:gptq";
    /**
     * Two fp32 implementations of this model differ by up to 4e-5 in a logit (TransformersFixtureTest); a likelihood is a
     * difference of two values of that size.
     */
    private static final double TOLERANCE = 2e-4;

    private Checkpoint checkpoint;
    private final WindowPlan plan = Measurements.plan(tokens(3 * 24, 1), 24);
    private final WindowPlan calibration = Measurements.plan(tokens(2 * 24, 2), 24);

    @BeforeEach
    void open() throws IOException {
        checkpoint = Checkpoints.open(MODEL);
    }

    @AfterEach
    void close() {
        checkpoint.close();
    }

    private static int[] tokens(int n, long seed) {
        return new SplittableRandom(seed).ints(n, 0, VOCABULARY).toArray();
    }

    private List<LevelResult> run(Backend backend) throws IOException {
        try (backend) {
            return Measurements.run(checkpoint, backend, plan, calibration, LEVELS, Measurements.PLENTY);
        }
    }

    @Test
    void scoresAreThoseOfTheCpu() throws IOException {
        List<LevelResult> expected = run(CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1));
        List<LevelResult> found = run(new CudaBackend(GpuDevices.emulated(), 1 << 28, ComputeType.FP32, 2));
        for (int l = 0; l < expected.size(); l++) {
            for (int row : plan.scoredRows(0)) {
                String where = expected.get(l).name() + ", row " + row;
                double nll = expected.get(l).scores().nll()[row];
                assertTrue(Math.abs(nll - found.get(l).scores().nll()[row]) <= TOLERANCE, where);
                double kld = expected.get(l).scores().kld()[row];
                assertTrue(Math.abs(kld - found.get(l).scores().kld()[row]) <= TOLERANCE, where);
            }
            assertEquals(expected.get(l).modelBytes(), found.get(l).modelBytes());
        }
    }

    @Test
    void theSameBitsEveryTime() throws IOException {
        List<LevelResult> one = run(new CudaBackend(GpuDevices.emulated(), 1 << 28, ComputeType.FP32, 1));
        List<LevelResult> other = run(new CudaBackend(GpuDevices.emulated(), 1 << 28, ComputeType.FP32, 3));
        for (int l = 0; l < one.size(); l++) {
            assertArrayEquals(one.get(l).scores().nll(), other.get(l).scores().nll());
            assertArrayEquals(one.get(l).scores().kld(), other.get(l).scores().kld());
            assertArrayEquals(one.get(l).layerErrors(), other.get(l).layerErrors());
        }
    }

    @Test
    void tooLittleMemoryIsSaidAndNothingIsLeft() {
        GpuDriver driver = GpuDevices.emulated();
        OutOfDeviceMemory e =
                assertThrows(OutOfDeviceMemory.class, () -> run(new CudaBackend(driver, 100_000, ComputeType.FP32, 2)));
        assertTrue(e.getMessage().contains("--vram"), e.getMessage());
        driver.ledger().requireEmpty();
    }
}
