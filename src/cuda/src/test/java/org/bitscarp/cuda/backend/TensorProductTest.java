package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.bitscarp.quant.MiniFloat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products on tensor cores against sums in double of operands that are rounded as the type says. */
class TensorProductTest {
    private static final long SEED = 5;
    /** A step of a sum in fp32; tensor cores cut off where others round, so a whole unit in the last place. */
    private static final double UNIT = 0x1p-23;
    /** What 3×TF32 leaves out of a product of numbers up to 1: small × small, and the rest of either number. */
    private static final double SPLIT = 3 * 0x1p-22;

    private final SplittableRandom random = new SplittableRandom(SEED);

    private static double rounded(DenseType type, float x) {
        return switch (type) {
            case FP16 -> MiniFloat.FP16.decode(MiniFloat.FP16.encode(x));
            case BF16 -> MiniFloat.BF16.decode(MiniFloat.BF16.encode(x));
            // Eleven significant bits; the numbers of this test are no ties.
            case TF32 -> {
                double unit = Math.scalb(1.0, Math.getExponent(x) - 10);
                yield Math.rint(x / unit) * unit;
            }
            case FP32 -> x;
        };
    }

    @ParameterizedTest
    @CsvSource({
        "FP16, 1, 1, 1, false",
        "FP16, 7, 33, 31, false",
        "FP16, 33, 129, 129, false",
        "FP16, 129, 130, 65, true",
        "BF16, 1, 31, 7, false",
        "BF16, 33, 65, 33, false",
        "BF16, 2, 3, 0, false",
        "BF16, 31, 129, 257, true",
        "TF32, 1, 7, 1, false",
        "TF32, 31, 33, 33, false",
        "TF32, 65, 64, 64, false",
        "TF32, 129, 7, 31, true"
    })
    void multiplies(DenseType type, int m, int n, int k, boolean large) {
        float[] x = KernelBed.random(m * k, random);
        float[] w = KernelBed.random(n * k, random);
        try (KernelBed bed = new KernelBed(80)) {
            DeviceTensor y = bed.tensor(m, n);
            new TensorProduct(bed.launcher, type, "test", large ? 0 : Long.MAX_VALUE)
                    .multiply(bed.lane, bed.tensor(m, k, x), bed.tensor(n, k, w), y);
            float[] found = bed.values(y);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double expected = 0;
                    for (int p = 0; p < k; p++) {
                        expected += rounded(type, x[i * k + p]) * rounded(type, w[j * k + p]);
                    }
                    double error = Math.abs(expected - found[i * n + j]);
                    assertTrue(
                            error <= k * (double) k * UNIT,
                            type + " " + i + ", " + j + ": " + expected + ", found " + found[i * n + j]);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 0, 1, false",
        "7, 31, 0, 31, false",
        "33, 33, 5, 20, false",
        "129, 40, 32, 8, false",
        "0, 9, 0, 9, false",
        "33, 131, 1, 130, true"
    })
    void outerProductsAreAsGoodAsFp32(int rows, int columns, int first, int count, boolean large) {
        float[] x = KernelBed.random(rows * columns, random);
        float[] before = KernelBed.random(columns * columns, random);
        try (KernelBed bed = new KernelBed(80)) {
            DeviceTensor sums = bed.tensor(columns, columns, before);
            new TensorProduct(bed.launcher, DenseType.FP16, "test", large ? 0 : Long.MAX_VALUE)
                    .addOuterProducts(bed.lane, bed.tensor(rows, columns, x), first, count, sums);
            float[] found = bed.values(sums);
            for (int i = 0; i < columns; i++) {
                for (int j = 0; j < columns; j++) {
                    int at = i * columns + j;
                    if (i < first || i >= first + count || j < first) {
                        assertEquals(before[at], found[at], i + ", " + j);
                        continue;
                    }
                    double expected = before[at];
                    for (int r = 0; r < rows; r++) {
                        expected += (double) x[r * columns + i] * x[r * columns + j];
                    }
                    double error = Math.abs(expected - found[at]);
                    assertTrue(
                            error <= (rows + 1.0) * (rows + 1) * UNIT + rows * SPLIT,
                            i + ", " + j + ": " + expected + ", found " + found[at]);
                }
            }
        }
    }
}
