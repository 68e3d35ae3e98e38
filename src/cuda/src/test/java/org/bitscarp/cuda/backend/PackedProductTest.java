package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bitscarp.compute.check.RandomWeights;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.MiniFloat;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products straight from packed weights against sums in double of what the scalar decoders give. */
class PackedProductTest {
    private static final long SEED = 11;
    /** Unit in the last place of fp32; each product is rounded, and added to a sum that is rounded. */
    private static final double UNIT = 0x1p-23;

    private static final KernelBed BED = new KernelBed(80);
    private static final KernelBed OLD = new KernelBed(75);

    @AfterAll
    static void nothingLeaks() {
        BED.close();
        OLD.close();
    }

    /** Formats with kernels from packed weights. */
    static Stream<BlockFormat> formats() {
        return Stream.concat(Stream.of("fp16", "bf16"), RandomWeights.FORMATS.stream())
                .map(word -> Level.parse(word).format());
    }

    @ParameterizedTest
    @MethodSource("formats")
    void multiplies(BlockFormat format) {
        SplittableRandom random = new SplittableRandom(SEED);
        int[][] shapes = format instanceof GgmlFormat ggml
                ? new int[][] {{1, 7, ggml.blockLength()}, {5, 3, 2 * ggml.blockLength()}, {33, 17, ggml.blockLength()}}
                : new int[][] {{1, 7, 31}, {8, 5, 129}, {9, 33, 33}, {33, 66, 72}, {2, 1, 1}};
        for (int[] shape : shapes) {
            check(format, shape[0], shape[1], shape[2], random);
        }
    }

    /** From 65 rows on weights are decoded first, in either type. */
    @ParameterizedTest
    @MethodSource("few")
    void multipliesManyRows(BlockFormat format) {
        check(format, 66, 33, 256, new SplittableRandom(SEED));
    }

    static Stream<BlockFormat> few() {
        return Stream.of("int4", "q4_k").map(word -> Level.parse(word).format());
    }

    private static void check(BlockFormat format, int m, int n, int k, SplittableRandom random) {
        PackedMatrix packed = RandomWeights.packed(format, n, k, random, Arena.ofAuto());
        float[] x = KernelBed.random(m * k, random);
        DenseType type = m % 2 == 0 ? DenseType.BF16 : DenseType.FP16;
        KernelBed bed = m == 1 ? OLD : BED;
        PackedProduct.Weights w = new PackedProduct.Weights(
                PackedFormat.of(format, k).orElseThrow(),
                bed.bytes(packed.bytes().toArray(ValueLayout.JAVA_BYTE)),
                format.rowBytes(k),
                n,
                k);
        DeviceTensor left = bed.tensor(m, k, x);
        DeviceTensor y = bed.tensor(m, n);
        PackedProduct product = new PackedProduct(bed.launcher, type);
        product.multiply(bed.lane, left, w, y);
        float[] found = bed.values(y);
        boolean exact = product.exact(m, w.format(), k);
        float[] weights = new float[k];
        for (int j = 0; j < n; j++) {
            packed.decodeRow(j, weights);
            for (int i = 0; i < m; i++) {
                double expected = 0;
                double magnitude = 0;
                for (int p = 0; p < k; p++) {
                    double term = exact
                            ? (double) x[i * k + p] * weights[p]
                            : rounded(type, x[i * k + p]) * rounded(type, weights[p]);
                    expected += term;
                    magnitude += Math.abs(term);
                }
                double error = Math.abs(expected - found[i * n + j]);
                assertTrue(
                        error <= (k + 1) * UNIT * magnitude,
                        format + " " + m + " × " + n + " × " + k + " at " + i + ", " + j + ": " + expected + ", found "
                                + found[i * n + j]);
            }
        }
        if (exact) {
            specification(bed, left, w, y);
            float[] specified = bed.values(y);
            for (int i = 0; i < found.length; i++) {
                assertTrue(Math.abs(specified[i] - found[i]) <= (k + 1) * UNIT * k, format + ", specification, " + i);
            }
        }
    }

    private static void specification(KernelBed bed, DeviceTensor x, PackedProduct.Weights w, DeviceTensor y) {
        PackedFormat format = w.format();
        bed.launcher
                .call(bed.lane, "matvec_" + format.family(), "matvec_" + format.word() + "_naive")
                .reads(w.weights())
                .long64(w.rowBytes())
                .reads(x)
                .writes(y)
                .integer(x.rows())
                .integer(w.rows())
                .integer(w.columns())
                .integer(format.length())
                .integer(format.zero())
                .launch(Grid.of(Math.ceilDiv(w.rows(), 32), x.rows()), 32);
    }

    private static double rounded(DenseType type, float x) {
        MiniFloat number = type == DenseType.FP16 ? MiniFloat.FP16 : MiniFloat.BF16;
        return number.decode(number.encode(x));
    }
}
