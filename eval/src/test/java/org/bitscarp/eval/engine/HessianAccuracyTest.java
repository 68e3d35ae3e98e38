package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Second moments of 128 windows of 2048 tokens in each arithmetic, against float64. */
class HessianAccuracyTest {
    private static final int UNITS = 128;
    private static final int ROWS = 2048;
    private static final int N = 32;

    /**
     * Of √(Hᵢᵢ·Hⱼⱼ), the greatest that the entry can be; the damping is 10⁻² of the mean diagonal. Measured: 1.7·10⁻⁶ in fp32,
     * 1.4·10⁻⁷ compensated. What rounding to bf16 does averages out over tokens, of which a sink has 128 that count: about 10⁻³
     * there, else 2.8·10⁻⁵.
     */
    private static double tolerance(MomentPrecision precision) {
        return switch (precision) {
            case BF16 -> 2e-3;
            case FP32 -> 1e-5;
            case COMPENSATED -> 1e-6;
        };
    }

    enum Inputs {
        /** Independent channels of very different size. */
        SCALED,
        /** A part that all channels and tokens have in common, so that sums only grow. */
        OFFSET,
        /** A first token in each window that is a hundred times as large as the others. */
        SINK;

        float value(SplittableRandom random, int row, int channel) {
            double x = random.nextGaussian();
            return (float)
                    switch (this) {
                        case SCALED -> x * Math.pow(10, channel % 4 - 2);
                        case OFFSET -> x + 3;
                        case SINK -> row == 0 ? 100 * x : x;
                    };
        }
    }

    static Stream<Arguments> cases() {
        return Stream.of(Inputs.values())
                .flatMap(inputs -> Stream.of(MomentPrecision.values()).map(p -> Arguments.of(inputs, p)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void sumsAreGoodEnough(Inputs inputs, MomentPrecision precision) throws IOException {
        double[] exact = new double[N * N];
        try (Backend backend = Measurements.summing(precision, 1);
                TensorMemory memory = backend.newMemory();
                Calibration calibration = new Calibration("a test", backend, true);
                Arena arena = Arena.ofConfined()) {
            Tensor tensor = memory.allocate(ROWS, N);
            MemorySegment host = arena.allocate(4L * ROWS * N, 64);
            float[] rows = new float[ROWS * N];
            for (int u = 0; u < UNITS; u++) {
                SplittableRandom random = new SplittableRandom(u);
                for (int i = 0; i < rows.length; i++) {
                    rows[i] = inputs.value(random, i / N, i % N);
                }
                MemorySegment.copy(rows, 0, host, JAVA_FLOAT, 0, rows.length);
                backend.upload(host, tensor);
                calibration.unit(u, tap -> tap.see(TensorRole.UP, 0, tensor));
                add(rows, exact);
            }
            Importance importance = calibration.importance();
            assertEquals(
                    (long) UNITS * ROWS, importance.rows().get(TensorRole.UP).get(0));
            MemorySegment found =
                    importance.inputs(TensorRole.UP, 0).hessian().values().data();
            double worst = 0;
            for (int i = 0; i < N; i++) {
                for (int j = 0; j < N; j++) {
                    double scale = Math.sqrt(exact[i * N + i] * exact[j * N + j]);
                    double value = (double) found.getAtIndex(JAVA_FLOAT, i * N + j) * UNITS * ROWS;
                    double error = Math.abs(value - exact[i * N + j]) / scale;
                    assertTrue(error <= tolerance(precision), inputs + " " + i + ", " + j + ": " + error);
                    worst = Math.max(worst, error);
                }
            }
            System.out.println("Second moments, " + inputs + ", " + precision.word() + ": relative error " + worst);
        }
    }

    private static void add(float[] rows, double[] sums) {
        for (int r = 0; r < ROWS; r++) {
            for (int i = 0; i < N; i++) {
                double x = rows[r * N + i];
                for (int j = 0; j < N; j++) {
                    sums[i * N + j] += x * rows[r * N + j];
                }
            }
        }
    }
}
