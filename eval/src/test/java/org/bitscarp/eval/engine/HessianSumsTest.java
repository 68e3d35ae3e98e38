package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mean second moments in each precision, against sums in double. */
class HessianSumsTest {
    private static final int CHANNELS = 1100;
    private static final int TOKENS = 24;
    private static final int UNITS = 40;

    /** Channels of very different size, and not of mean 0, so that sums grow. */
    private static float[] unit(int unit) {
        SplittableRandom random = new SplittableRandom(unit);
        float[] x = new float[TOKENS * CHANNELS];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) ((1 + random.nextGaussian()) * (1 + i % CHANNELS % 7));
        }
        return x;
    }

    private static float[] means(MomentPrecision precision, int lanes) throws IOException {
        try (Backend backend = Measurements.summing(precision, lanes);
                Lanes pool = new Lanes(lanes);
                HessianSums sums = new HessianSums(backend);
                TensorMemory memory = backend.newMemory()) {
            pool.forEach(UNITS, (lane, unit) -> {
                Tensor input;
                synchronized (memory) {
                    input = memory.allocate(TOKENS, CHANNELS);
                }
                backend.upload(MemorySegment.ofArray(unit(unit)), input);
                sums.add(unit, TensorRole.UP, 0, input);
                sums.finish(unit);
            });
            MemorySegment values =
                    sums.means().get(TensorRole.UP).get(0).host().values().data();
            return values.toArray(JAVA_FLOAT);
        }
    }

    @ParameterizedTest
    @EnumSource
    void areThoseOfTheInputsWhateverTheLanes(MomentPrecision precision) throws IOException {
        float[] found = means(precision, 1);
        assertArrayEquals(found, means(precision, 3));
        double[] norm = new double[CHANNELS];
        double[][] some = new double[3][CHANNELS];
        for (int u = 0; u < UNITS; u++) {
            float[] x = unit(u);
            for (int row = 0; row < TOKENS; row++) {
                for (int i = 0; i < CHANNELS; i++) {
                    double value = x[row * CHANNELS + i];
                    norm[i] += value * value;
                    for (int s = 0; s < some.length; s++) {
                        some[s][i] += value * x[row * CHANNELS + channel(s)];
                    }
                }
            }
        }
        // Of √(HᵢᵢHⱼⱼ): half an ulp of each of 24 products and, without compensation, of 40 sums; rounded inputs are
        // each off
        // by 2⁻⁹ at most, by chance up and down.
        double tolerance = switch (precision) {
            case BF16 -> 5e-4;
            case FP32 -> 2e-6;
            case COMPENSATED -> 4e-7;
        };
        double tokens = (double) UNITS * TOKENS;
        for (int s = 0; s < some.length; s++) {
            int row = channel(s);
            for (int i = 0; i < CHANNELS; i++) {
                double error = Math.abs(some[s][i] / tokens - found[row * CHANNELS + i]);
                double size = Math.sqrt(norm[i] * norm[row]) / tokens;
                assertTrue(error <= tolerance * size, row + ", " + i + ": " + error / size);
                assertEquals(found[row * CHANNELS + i], found[i * CHANNELS + row], "not symmetric");
            }
        }
    }

    private static int channel(int sample) {
        return new int[] {0, 531, CHANNELS - 1}[sample];
    }
}
