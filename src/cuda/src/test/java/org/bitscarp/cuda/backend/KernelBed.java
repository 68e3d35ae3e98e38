package org.bitscarp.cuda.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.bitscarp.cuda.emulated.EmulatedGpuDriver;

/** An emulated device with what launch code needs; closing fails when device memory has leaked. */
final class KernelBed implements AutoCloseable {
    private static final long SUMS = 1963;

    final EmulatedGpuDriver driver;
    final Launcher launcher;
    final Lane lane;
    private final DeviceQueue queue;
    private final KernelLibrary kernels;
    private final List<DeviceBlock> blocks = new ArrayList<>();
    private final List<DeviceTensors> memories = new ArrayList<>();

    KernelBed(int computeCapability) {
        driver = new EmulatedGpuDriver(
                1L << 30, computeCapability, Runtime.getRuntime().availableProcessors());
        queue = new DeviceQueue(driver, new DeviceMemory(driver, 1L << 30), 1);
        kernels = new KernelLibrary(driver);
        launcher = new Launcher(queue, kernels);
        lane = queue.lanes().getFirst();
    }

    /** Freed with this. */
    DeviceTensors memory() {
        memories.add(new DeviceTensors(queue, closed -> {}));
        return memories.getLast();
    }

    DeviceTensor tensor(int rows, int columns) {
        DeviceBlock block = queue.allocate(4L * rows * columns, "tensor of a test");
        blocks.add(block);
        return new DeviceTensor(block, 0, rows, columns);
    }

    DeviceTensor tensor(int rows, int columns, float[] values) {
        DeviceTensor tensor = tensor(rows, columns);
        try (Arena arena = Arena.ofConfined()) {
            lane.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), tensor.address());
        }
        return tensor;
    }

    /** A tensor that holds bytes, room for a last word included. */
    DeviceTensor bytes(byte[] values) {
        DeviceTensor tensor = tensor(1, (values.length + 3) / 4);
        try (Arena arena = Arena.ofConfined()) {
            lane.upload(arena.allocateFrom(ValueLayout.JAVA_BYTE, values), tensor.address());
        }
        return tensor;
    }

    float[] values(DeviceTensor tensor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(4, tensor.bytes()), 4).asSlice(0, tensor.bytes());
            lane.download(tensor.address(), host);
            return host.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /** Uniform between −1 and 1. */
    static float[] random(int count, SplittableRandom random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (2 * random.nextDouble() - 1);
        }
        return values;
    }

    /** Σ x·xᵀ over correlated inputs of channels that differ in size; some channels are never active. */
    static float[] sums(int n, int samples, boolean dead) {
        SplittableRandom random = new SplittableRandom(SUMS + n);
        double[] sums = new double[n * n];
        double[] x = new double[n];
        for (int s = 0; s < samples; s++) {
            double common = random.nextGaussian();
            for (int i = 0; i < n; i++) {
                x[i] = dead && i % 17 == 3 ? 0 : (random.nextGaussian() + common) * (1 + i % 5);
            }
            for (int i = 0; i < n; i++) {
                for (int j = i; j < n; j++) {
                    sums[i * n + j] += x[i] * x[j];
                }
            }
        }
        float[] rounded = new float[n * n];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = (float) sums[i];
        }
        return rounded;
    }

    @Override
    public void close() {
        blocks.forEach(DeviceBlock::close);
        memories.forEach(DeviceTensors::close);
        queue.close();
        kernels.close();
        driver.ledger().requireEmpty();
        driver.close();
    }
}
