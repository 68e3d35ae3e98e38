package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.Grid;
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
        org.bitscarp.quant.Grid[] grids = new org.bitscarp.quant.Grid[Math.ceilDiv(n, length)];
        int[] codes = new int[n];
        float[] errors = new float[n];
        int fallbacks = 0;
        for (int b = 0; b + 1 < batches.length; b++) {
            for (int j = batches[b]; j < batches[b + 1]; j++) {
                if (j % length == 0) {
                    grids[j / length] = format.fit(w, j, Math.min(length, n - j));
                    fallbacks += grids[j / length].fallbacks();
                }
                org.bitscarp.quant.Grid grid = grids[j / length];
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
        DeviceTensor upper = BED.tensor(n, n, u);
        DeviceTensor weights = BED.tensor(rows, n, w);
        TestRows fast = new TestRows(BED, format, rows, n);
        GptqKernels kernels = new GptqKernels(BED.launcher);
        DeviceTensor work = BED.tensor(rows, n);
        kernels.run(
                BED.lane,
                weights,
                new IntBlocks(BED.launcher, fast.rows, IntBlocks.Rule.PUBLISHED),
                new CudaMoments.Factor(upper, null, null),
                new GptqKernels.Work(
                        work.address(), BED.tensor(rows, ColumnPlan.BATCH).address()));
        TestRows slow = new TestRows(BED, format, rows, n);
        BED.launcher
                .call(BED.lane, "gptq", "gptq_naive")
                .reads(weights)
                .reads(upper)
                .address(0)
                .address(slow.rows.grids())
                .address(slow.rows.codes())
                .integer(rows)
                .integer(n)
                .integer(slow.rows.length())
                .integer(slow.rows.maxCode())
                .integer(slow.rows.zero())
                .integer(0)
                .address(slow.rows.fallbacks())
                .launch(Grid.of(Math.ceilDiv(rows, 32)), 32);
        for (TestRows found : List.of(fast, slow)) {
            DeviceTensor packed = BED.bytes(new byte[bytes]);
            new IntBlocks(BED.launcher, found.rows, IntBlocks.Rule.PUBLISHED).pack(BED.lane, packed.address());
            byte[] stored = MemorySegment.ofArray(BED.values(packed)).toArray(ValueLayout.JAVA_BYTE);
            assertArrayEquals(expected.bytes().toArray(ValueLayout.JAVA_BYTE), Arrays.copyOf(stored, bytes));
            assertEquals(fallbacks, found.fallbacks());
        }
    }
}
