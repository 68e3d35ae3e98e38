package org.bitscarp.cuda.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import org.bitscarp.compute.check.RandomWeights;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.PackedMatrix;

/** One lane of a device with operands and a clock; everything is given back together. */
final class BenchmarkBed implements AutoCloseable {
    /** Different rows of a packed matrix; the others repeat them, so that a result can be checked as a whole. */
    static final int DISTINCT = 16;

    private static final long SEED = 8192;

    final GpuDriver driver;
    final Launcher launcher;
    final Lane lane;
    private final BenchmarkSizes sizes;
    private final DeviceMemory memory;
    private final DeviceQueue queue;
    private final KernelLibrary kernels;
    private final SplittableRandom random = new SplittableRandom(SEED);
    private final List<DeviceBlock> blocks = new ArrayList<>();
    private final GpuEvent begin;
    private final GpuEvent end;

    /** @param cap bytes of device memory that may be taken */
    BenchmarkBed(GpuDriver driver, long cap, BenchmarkSizes sizes) {
        this.driver = driver;
        this.sizes = sizes;
        memory = new DeviceMemory(driver, cap);
        queue = new DeviceQueue(driver, memory, 1);
        kernels = new KernelLibrary(driver);
        launcher = new Launcher(queue, kernels);
        lane = queue.lanes().getFirst();
        begin = driver.newEvent();
        end = driver.newEvent();
    }

    DeviceQueue queue() {
        return queue;
    }

    /** Whether {@code bytes} more can be allocated, with a sixteenth left to the driver. */
    boolean fits(long bytes) {
        return bytes <= Math.min(memory.available(), driver.freeMemory() / 16 * 15);
    }

    /** Median milliseconds of {@code work}, which is told the number of its run; device events are the clock. */
    double median(IntConsumer before, IntConsumer work) {
        double[] times = new double[sizes.runs()];
        for (int run = -sizes.warmUps(); run < times.length; run++) {
            int turn = run + sizes.warmUps();
            before.accept(turn);
            begin.record(lane.stream);
            work.accept(turn);
            end.record(lane.stream);
            end.synchronize();
            if (run >= 0) {
                times[run] = end.millisecondsSince(begin);
            }
        }
        Arrays.sort(times);
        return times[times.length / 2];
    }

    double median(IntConsumer work) {
        return median(turn -> {}, work);
    }

    /** Zeroed. */
    DeviceTensor tensor(int rows, int columns) {
        DeviceBlock block = queue.allocate(4L * rows * columns, "operand of a benchmark");
        blocks.add(block);
        return new DeviceTensor(block, 0, rows, columns);
    }

    /** Zeroed memory, rounded up to whole words. */
    DeviceTensor bytes(long count) {
        // Rows of 1024 words keep the number of columns an int.
        return tensor(Math.toIntExact(count / 4096 + 1), 1024);
    }

    /** Random values between −1 and 1. */
    DeviceTensor random(int rows, int columns) {
        DeviceTensor tensor = tensor(rows, columns);
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < columns; i++) {
                row[i] = (float) (2 * random.nextDouble() - 1);
            }
            lane.upload(MemorySegment.ofArray(row), tensor.slice(r, 1).address());
        }
        return tensor;
    }

    float[] values(DeviceTensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.size())];
        lane.download(tensor.address(), MemorySegment.ofArray(values));
        return values;
    }

    /** {@link #DISTINCT} random rows, packed as a level packs them. */
    PackedMatrix rows(BlockFormat format, int columns) {
        return RandomWeights.packed(format, DISTINCT, columns, random, Arena.ofAuto());
    }

    /** Fills {@code n} rows on the device with the packed ones in turn. */
    DeviceTensor repeat(PackedMatrix rows, int n) {
        long rowBytes = rows.format().rowBytes(rows.columns());
        DeviceTensor target = bytes(n * rowBytes);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(n * rowBytes, 64);
            for (long row = 0; row < n; row++) {
                MemorySegment.copy(rows.bytes(), row % DISTINCT * rowBytes, all, row * rowBytes, rowBytes);
            }
            lane.upload(all, target.address());
        }
        return target;
    }

    /** Another copy of what {@code source} holds. */
    DeviceTensor copy(DeviceTensor source) {
        DeviceTensor target = tensor(source.rows(), source.columns());
        driver.copyOnDevice(target.address(), source.address(), source.bytes(), lane.stream);
        return target;
    }

    /** Gives back operands, not what kernels keep. */
    void clear() {
        driver.synchronize();
        blocks.forEach(DeviceBlock::close);
        blocks.clear();
    }

    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        steps.add(driver::synchronize);
        blocks.forEach(block -> steps.add(block::close));
        steps.add(begin::close);
        steps.add(end::close);
        steps.add(kernels::close);
        steps.add(queue::close);
        Cleanup.all(steps);
    }
}
