package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.Grid;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dense products in fp32 against their specification, at sizes around every tile. */
class ProductKernelsTest {
    private static final long SEED = 97;
    /** Of a sum of k products of numbers up to 1: k roundings of at most half a unit in the last place of k. */
    private static final float UNIT = 0x1p-24f;

    private final SplittableRandom random = new SplittableRandom(SEED);

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 7, 31", "7, 33, 129", "31, 31, 31", "33, 129, 33", "64, 32, 16", "129, 33, 7", "3, 5, 0"
    })
    void smallTiles(int m, int n, int k) {
        multiply(m, n, k, false);
    }

    @ParameterizedTest
    @CsvSource({"33, 1, 5", "1, 130, 9", "129, 131, 33", "128, 128, 16", "40, 260, 20"})
    void largeTiles(int m, int n, int k) {
        multiply(m, n, k, true);
    }

    private void multiply(int m, int n, int k, boolean large) {
        float[] x = KernelBed.random(m * k, random);
        float[] w = KernelBed.random(n * k, random);
        try (KernelBed bed = new KernelBed(large ? 75 : 80)) {
            DeviceTensor y = bed.tensor(m, n);
            DeviceTensor left = bed.tensor(m, k, x);
            DeviceTensor right = bed.tensor(n, k, w);
            new OwnProduct(bed.launcher, "test", large ? 0 : Integer.MAX_VALUE).multiply(bed.lane, left, right, y);
            float[] found = bed.values(y);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double expected = 0;
                    for (int p = 0; p < k; p++) {
                        expected += (double) x[i * k + p] * w[j * k + p];
                    }
                    check(expected, found[i * n + j], k, i + ", " + j);
                }
            }
            bed.launcher
                    .call(bed.lane, "matmul_fp32", "matmul_naive")
                    .reads(left)
                    .reads(right)
                    .writes(y)
                    .integer(m)
                    .integer(n)
                    .integer(k)
                    .launch(new Grid(Math.ceilDiv(n, 64), m, 1), 64);
            float[] specified = bed.values(y);
            for (int i = 0; i < m * n; i++) {
                check(specified[i], found[i], k, "specification, " + i);
            }
        }
    }

    private static void check(double expected, float found, int k, String what) {
        double error = Math.abs(expected - found);
        assertTrue(error <= k * (double) k * UNIT, what + ": " + expected + ", found " + found);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 0, 1, false",
        "7, 31, 0, 31, false",
        "33, 33, 5, 20, false",
        "129, 40, 32, 8, false",
        "0, 9, 0, 9, false",
        "33, 131, 0, 129, true",
        "20, 132, 4, 128, true"
    })
    void outerProducts(int rows, int columns, int first, int count, boolean large) {
        float[] x = KernelBed.random(rows * columns, random);
        float[] before = KernelBed.random(columns * columns, random);
        try (KernelBed bed = new KernelBed(80)) {
            DeviceTensor sums = bed.tensor(columns, columns, before);
            new OwnProduct(bed.launcher, "test", large ? 0 : Integer.MAX_VALUE)
                    .addOuterProducts(bed.lane, bed.tensor(rows, columns, x), first, count, sums);
            float[] found = bed.values(sums);
            for (int i = 0; i < columns; i++) {
                for (int j = 0; j < columns; j++) {
                    String what = i + ", " + j;
                    if (i < first || i >= first + count || j < first) {
                        assertEquals(before[i * columns + j], found[i * columns + j], what);
                        continue;
                    }
                    double expected = before[i * columns + j];
                    for (int r = 0; r < rows; r++) {
                        expected += (double) x[r * columns + i] * x[r * columns + j];
                    }
                    check(expected, found[i * columns + j], rows + 1, what);
                }
            }
        }
    }
}
