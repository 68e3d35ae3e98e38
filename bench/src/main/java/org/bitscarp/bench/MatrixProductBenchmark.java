package org.bitscarp.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Both matrix products on the shapes of a 146 M parameter model: OpenBLAS against Java, GFLOP/s per thread. Floor: 32 fp32
 * operations per cycle and core with 512-bit vectors on Zen 4.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class MatrixProductBenchmark {
    @Param({"OPENBLAS", "JAVA"})
    CpuBackend.MatrixProduct product;

    /** rows × outputs × inputs. */
    @Param({"1024x1024x1024", "1024x2816x1024", "1024x1024x2816"})
    String shape;

    private CpuBackend backend;
    private TensorMemory memory;
    private Tensor x;
    private Tensor w;
    private Tensor y;
    private double gigaflop;

    /** Turns operations per second into GFLOP/s in JMH's table. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Rate {
        public double gflops;
    }

    @Setup
    public void setUp() {
        int[] n = java.util.Arrays.stream(shape.split("x"))
                .mapToInt(Integer::parseInt)
                .toArray();
        backend = CpuBackend.create(product, 1);
        memory = backend.newMemory();
        x = random(n[0], n[2]);
        w = random(n[1], n[2]);
        y = memory.allocate(n[0], n[1]);
        gigaflop = 2e-9 * n[0] * n[1] * n[2];
    }

    private Tensor random(int rows, int columns) {
        Tensor t = memory.allocate(rows, columns);
        SplittableRandom random = new SplittableRandom(1);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment values = arena.allocate(4L * rows * columns, 64);
            for (long i = 0; i < (long) rows * columns; i++) {
                values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
            }
            backend.upload(values, t);
        }
        return t;
    }

    @Benchmark
    public void multiply(Rate rate) {
        backend.matmul(x, w, y);
        rate.gflops += gigaflop;
    }

    @TearDown
    public void tearDown() {
        memory.close();
        backend.close();
    }
}
