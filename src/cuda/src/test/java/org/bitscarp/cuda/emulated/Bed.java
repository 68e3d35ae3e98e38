package org.bitscarp.cuda.emulated;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;

/** An emulated device for kernels written down in a test. */
final class Bed implements AutoCloseable {
    final EmulatedGpuDriver driver;
    private final Arena arena = Arena.ofShared();
    private final List<Long> buffers = new ArrayList<>();

    Bed() {
        this(2);
    }

    Bed(int threads) {
        driver = new EmulatedGpuDriver(64 << 20, 80, threads);
    }

    /** A kernel {@code k} with this body; lines count from the first of the body as 5. */
    GpuFunction kernel(String parameters, String body) {
        String ptx = ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k(" + parameters + ") {\n" + body
                + "\nret;\n}\n";
        return driver.load("test", ptx).function("k");
    }

    long buffer(int... values) {
        MemorySegment host = arena.allocate(4L * values.length, 8);
        MemorySegment.copy(values, 0, host, ValueLayout.JAVA_INT, 0, values.length);
        long address = driver.allocate(4L * values.length, "buffer " + buffers.size());
        driver.copyToDevice(address, host, driver.defaultStream());
        buffers.add(address);
        return address;
    }

    long floats(float... values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return buffer(bits);
    }

    int[] read(long address, int count) {
        MemorySegment host = arena.allocate(4L * count, 8);
        driver.copyToHost(host, address, driver.defaultStream());
        return host.toArray(ValueLayout.JAVA_INT);
    }

    float[] readFloats(long address, int count) {
        int[] bits = read(address, count);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(bits[i]);
        }
        return values;
    }

    void launch(GpuFunction function, int blocks, int threads, long... pointers) {
        KernelArguments arguments = KernelArguments.start();
        for (long pointer : pointers) {
            arguments.pointer(pointer);
        }
        driver.launch(function, Grid.of(blocks), Block.of(threads), 0, driver.defaultStream(), arguments);
    }

    @Override
    public void close() {
        buffers.forEach(driver::free);
        driver.ledger().requireEmpty();
        driver.close();
        arena.close();
    }
}
