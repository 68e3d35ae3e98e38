package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Codes and grids that are refined under the Hessian: the same from one thread a row as from warps and products. */
class RefineKernelsTest {
    private static final int PASSES = 4;
    private static final double LAMBDA = 0.25;
    private static final KernelBed BED = new KernelBed(80);

    private final GptqKernels gptq = new GptqKernels(BED.launcher);

    @AfterAll
    static void nothingLeaks() {
        BED.close();
    }

    /** Grids by the published rule and codes as error feedback has left them, from a factor that feeds a little. */
    private TestRows begin(GroupedInt format, DeviceTensor w) {
        int n = w.columns();
        float[] upper = new float[n * n];
        for (int i = 0; i < n; i++) {
            Arrays.fill(upper, i * n + i, (i + 1) * n, -0.02f);
            upper[i * n + i] = 1;
        }
        TestRows begin = new TestRows(BED, format, w.rows(), n);
        gptq.run(
                BED.lane,
                w,
                new IntBlocks(BED.launcher, begin.rows, IntBlocks.Rule.PUBLISHED),
                new CudaMoments.Factor(BED.tensor(n, n, upper), null, null),
                new GptqKernels.Work(
                        BED.tensor(w.rows(), n).address(),
                        BED.tensor(w.rows(), n).address()));
        return begin;
    }

    private static long floats(int rows, int columns) {
        return BED.tensor(rows, columns).address();
    }

    private static RefineKernels.Room room(int rows, int n, int length) {
        return new RefineKernels.Room(
                floats(1, 2 * n),
                floats(rows, n),
                floats(rows, n),
                floats(rows, length),
                floats(1, n),
                floats(3, rows));
    }

    private void descend(TestRows rows, DeviceTensor w, DeviceTensor h, RefineKernels.Room room, DeviceTensor active) {
        BED.launcher
                .call(BED.lane, "refine", "descent_naive")
                .reads(w)
                .reads(h)
                .address(room.damped())
                .address(rows.rows.grids())
                .address(rows.rows.codes())
                .address(room.gradient())
                .writes(active)
                .integer(w.rows())
                .integer(w.columns())
                .integer(rows.rows.length())
                .integer(rows.rows.maxCode())
                .float64(LAMBDA)
                .integer(PASSES)
                .launch(Grid.of(Math.ceilDiv(w.rows(), 32)), 32);
    }

    private void refit(
            TestRows rows,
            DeviceTensor w,
            DeviceTensor h,
            RefineKernels.Room room,
            DeviceTensor active,
            DeviceTensor changed) {
        BED.launcher
                .call(BED.lane, "refine", "refit_naive")
                .reads(w)
                .reads(h)
                .address(room.ones())
                .address(rows.rows.grids())
                .address(rows.rows.codes())
                .address(room.gradient())
                .address(room.errors())
                .address(room.products())
                .writes(active)
                .writes(changed)
                .integer(w.rows())
                .integer(w.columns())
                .integer(rows.rows.length())
                .integer(rows.rows.maxCode())
                .integer(rows.rows.format().symmetric() ? 1 : 0)
                .float64(LAMBDA)
                .launch(Grid.of(Math.ceilDiv(w.rows(), 32)), 32);
    }

    @ParameterizedTest
    @CsvSource({
        "int4, 5, 129",
        "int2:g16, 3, 100",
        "int3:sym, 9, 33",
        "int3:row, 6, 131",
        "int8:g5, 2, 31",
        "int3:g7, 34, 7"
    })
    void oneThreadARowGivesTheSame(String text, int rows, int n) {
        GroupedInt format = (GroupedInt) Level.parse(text).format();
        DeviceTensor w = BED.tensor(rows, n, KernelBed.random(rows * n, new SplittableRandom(n)));
        DeviceTensor sums = BED.tensor(n, n, KernelBed.sums(n, 1, n > 50));
        DeviceTensor h = BED.tensor(n, n);
        new FactorKernels(BED.launcher).mean(BED.lane, sums, 1, h);
        TestRows fast = begin(format, w);
        TestRows slow = fast.copy();
        TestRows loop = fast.copy();
        RefineKernels.Room room = room(rows, n, slow.rows.length());
        RefineKernels kernels = new RefineKernels(BED.launcher, gptq);

        // No pass and no round: leaves the gradient to begin with.
        kernels.run(BED.lane, w, slow.rows, new RefineKernels.Problem(h, LAMBDA, 0, 0), room);
        assertArrayEquals(loop.codeBytes(), slow.codeBytes());
        float[] all = new float[rows];
        Arrays.fill(all, Float.intBitsToFloat(1));
        DeviceTensor active = BED.tensor(1, rows, all);
        DeviceTensor changed = BED.tensor(1, rows);
        descend(slow, w, h, room, active);
        for (int round = 0; round < 3; round++) {
            refit(slow, w, h, room, active, changed);
            DeviceTensor done = active;
            active = changed;
            changed = done;
            descend(slow, w, h, room, active);
        }

        kernels.run(
                BED.lane,
                w,
                fast.rows,
                new RefineKernels.Problem(h, LAMBDA, PASSES, 3),
                room(rows, n, fast.rows.length()));
        assertArrayEquals(slow.codeBytes(), fast.codeBytes());
        assertArrayEquals(slow.gridBytes(), fast.gridBytes());
        assertFalse(Arrays.equals(loop.codeBytes(), fast.codeBytes()), "codes move");
        assertFalse(Arrays.equals(loop.gridBytes(), fast.gridBytes()), "grids move");
    }
}
