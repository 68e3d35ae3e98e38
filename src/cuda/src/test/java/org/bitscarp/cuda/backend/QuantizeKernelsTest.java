package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantizing on the device gives the bytes, and the counts, of the CPU's solver. */
class QuantizeKernelsTest {
    private static final long SEED = 4711;
    private static final int[] WIDTHS = {1, 7, 31, 33, 129, 520};
    private static final int ROWS = 5;
    private static final KernelBed BED = new KernelBed(80);

    @AfterAll
    static void nothingLeaks() {
        BED.close();
    }

    /** Rows of ordinary weights, of zeros, with NaN and infinities, beyond FP16's range, and below it. */
    private static float[] weights(int columns, SplittableRandom random) {
        float[] w = KernelBed.random(ROWS * columns, random);
        Arrays.fill(w, columns, 2 * columns, 0);
        w[2 * columns] = Float.NaN;
        w[3 * columns - 1] = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < columns; i++) {
            w[3 * columns + i] *= Float.MAX_VALUE;
            w[4 * columns + i] *= random.nextBoolean() ? 1e-6f : 1e-9f;
        }
        return w;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int2",
                "int3",
                "int4",
                "int5",
                "int6",
                "int7",
                "int8",
                "int2:sym",
                "int4:g32:sym",
                "int3:g5",
                "int8:row:sym"
            })
    void equalsTheCpu(String text) {
        SplittableRandom random = new SplittableRandom(SEED);
        Level level = Level.parse(text);
        GroupedInt format = (GroupedInt) level.format();
        for (int columns : WIDTHS) {
            float[] w = weights(columns, random);
            int bytes = (int) (ROWS * format.rowBytes(columns));
            PackedMatrix expected = new PackedMatrix(format, ROWS, columns, MemorySegment.ofArray(new byte[bytes]));
            SolveStats stats = new SolveStats();
            level.solver()
                    .prepare(new DenseMatrix(MemorySegment.ofArray(w), ROWS, columns), null, expected)
                    .solve(0, ROWS, stats);
            DeviceTensor weights = BED.tensor(ROWS, columns, w);
            DeviceTensor packed = BED.bytes(new byte[bytes]);
            DeviceTensor counts = BED.tensor(1, 4);
            new QuantizeKernels(BED.launcher).nearest(BED.lane, format, weights, packed, counts);
            String what = text + ", rows of " + columns;
            assertArrayEquals(expected.bytes().toArray(ValueLayout.JAVA_BYTE), bytes(packed, bytes), what);
            long[] found = MemorySegment.ofArray(BED.values(counts)).toArray(ValueLayout.JAVA_LONG_UNALIGNED);
            assertEquals(stats.fallbacks, found[0], what);
            assertEquals(stats.nonfinite, found[1], what);

            DeviceTensor specified = BED.bytes(new byte[bytes]);
            int blocks = Math.ceilDiv(columns, format.blockLength(columns));
            BED.launcher
                    .call(BED.lane, "quantize_int", "quantize_int_naive")
                    .reads(weights)
                    .writes(specified)
                    .long64(format.rowBytes(columns))
                    .integer(ROWS)
                    .integer(columns)
                    .integer(format.blockLength(columns))
                    .integer(format.bits())
                    .integer(PackedFormat.of(format, columns).orElseThrow().zero())
                    .writes(counts)
                    .launch(Grid.of(Math.ceilDiv(blocks, 32), ROWS), 32);
            assertArrayEquals(bytes(packed, bytes), bytes(specified, bytes), what);
        }
    }

    private static byte[] bytes(DeviceTensor tensor, int count) {
        byte[] all = MemorySegment.ofArray(BED.values(tensor)).toArray(ValueLayout.JAVA_BYTE);
        return Arrays.copyOf(all, count);
    }
}
