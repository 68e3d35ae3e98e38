package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.gptq.ColumnPlan;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The column loop on the device gives the bytes of algorithm 1 written down column by column, in fp32. */
class GptqKernelsTest {
    private static final long SEED = 2210_17323;
    private static final KernelBed BED = new KernelBed(80);

    @AfterAll
    static void nothingLeaks() {
        BED.close();
    }

    /** A factor as those of real Hessians look: a diagonal around 1 and smaller numbers right of it. */
    private static float[] upper(int n, SplittableRandom random) {
        float[] u = new float[n * n];
        for (int i = 0; i < n; i++) {
            u[i * n + i] = (float) (0.5 + random.nextDouble());
            for (int j = i + 1; j < n; j++) {
                u[i * n + j] = (float) (0.2 * random.nextDouble() - 0.1);
            }
        }
        return u;
    }

    /** One row; every weight is a chain of fused multiply-adds, as in the CPU's loop. */
    private static int row(GroupedInt format, float[] w, float[] u, PackedMatrix target, int row) {
        int n = w.length;
        int length = format.blockLength(n);
        int[] batches = ColumnPlan.leftToRight(n, length).batches();
        Grid[] grids = new Grid[Math.ceilDiv(n, length)];
        int[] codes = new int[n];
        float[] errors = new float[n];
        int fallbacks = 0;
        for (int b = 0; b + 1 < batches.length; b++) {
            for (int j = batches[b]; j < batches[b + 1]; j++) {
                if (j % length == 0) {
                    grids[j / length] = format.fit(w, j, Math.min(length, n - j));
                    fallbacks += grids[j / length].fallbacks();
                }
                Grid grid = grids[j / length];
                codes[j] = grid.nearest(j % length, w[j]);
                errors[j] = (w[j] - grid.value(j % length, codes[j])) / u[j * n + j];
                for (int k = j + 1; k < batches[b + 1]; k++) {
                    w[k] = Math.fma(-errors[j], u[j * n + k], w[k]);
                }
            }
            for (int k = batches[b + 1]; k < n; k++) {
                for (int j = batches[b]; j < batches[b + 1]; j++) {
                    w[k] = Math.fma(-errors[j], u[j * n + k], w[k]);
                }
            }
        }
        long offset = row * format.rowBytes(n);
        for (int b = 0; b < grids.length; b++) {
            int count = Math.min(length, n - b * length);
            format.encode(
                    grids[b], Arrays.copyOfRange(codes, b * length, b * length + count), count, target.bytes(), offset);
            offset += format.blockBytes(count);
        }
        return fallbacks;
    }

    @ParameterizedTest
    @CsvSource({
        "int4, 1, 1",
        "int4, 5, 7",
        "int4:g32, 3, 129",
        "int3:g64:sym, 9, 300",
        "int2:g5, 2, 133",
        "int8:row, 4, 270",
        "int5:row:sym, 33, 31",
        "int6:g96, 2, 290"
    })
    void equalsTheLoopColumnByColumn(String text, int rows, int n) {
        SplittableRandom random = new SplittableRandom(SEED);
        GroupedInt format = (GroupedInt) Level.parse(text).format();
        float[] w = KernelBed.random(rows * n, random);
        float[] u = upper(n, random);
        int bytes = (int) (rows * format.rowBytes(n));
        PackedMatrix expected = new PackedMatrix(format, rows, n, MemorySegment.ofArray(new byte[bytes]));
        int fallbacks = 0;
        for (int row = 0; row < rows; row++) {
            fallbacks += row(format, Arrays.copyOfRange(w, row * n, (row + 1) * n), u, expected, row);
        }
        DeviceTensor packed = BED.bytes(new byte[bytes]);
        DeviceTensor counts = BED.tensor(1, 2);
        DeviceTensor errors = BED.tensor(rows, ColumnPlan.BATCH);
        DeviceTensor weights = BED.tensor(rows, n, w);
        GptqKernels.Work work =
                new GptqKernels.Work(weights.address(), errors.address(), packed.address(), counts.address());
        new GptqKernels(BED.launcher).run(BED.lane, format, rows, BED.tensor(n, n, u), work);
        byte[] found = MemorySegment.ofArray(BED.values(packed)).toArray(ValueLayout.JAVA_BYTE);
        assertArrayEquals(expected.bytes().toArray(ValueLayout.JAVA_BYTE), Arrays.copyOf(found, bytes));
        assertEquals(fallbacks, MemorySegment.ofArray(BED.values(counts)).get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
    }
}
