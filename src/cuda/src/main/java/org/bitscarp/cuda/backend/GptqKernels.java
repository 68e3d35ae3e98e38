package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.gptq.ColumnPlan;

/**
 * GPTQ's column loop on the device, for integers: batch after batch as {@link ColumnPlan#leftToRight} cuts them, each followed
 * by the update of the columns behind it.
 */
final class GptqKernels {
    private static final String MODULE = "gptq";
    private static final int WARPS = 4;
    private static final int TILE = 32;

    private final Launcher launcher;

    GptqKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    /** Copies weights to where the loop works on them; what is not finite counts as 0. */
    void load(Lane lane, DeviceTensor w, long work) {
        launcher.call(lane, MODULE, "gptq_load")
                .reads(w)
                .address(work)
                .long64(w.size())
                .launch(launcher.striding(w.size()), Launcher.THREADS);
    }

    /**
     * Addresses of what the loop works on, in memory of the lane.
     *
     * @param weights [rows, n], finite weights; of no use afterwards
     * @param errors room for rows × {@link ColumnPlan#BATCH} floats
     * @param packed room for {@code rows × format.rowBytes(n)} bytes
     * @param fallbacks a long that is added to: fallbacks of grids
     */
    record Work(long weights, long errors, long packed, long fallbacks) {}

    /**
     * Chooses grids and codes of all rows.
     *
     * @param upper [n, n], U with (H + λI)⁻¹ = UᵀU
     */
    void run(Lane lane, GroupedInt format, int rows, DeviceTensor upper, Work work) {
        int n = upper.columns();
        int length = format.blockLength(n);
        int[] batches = ColumnPlan.leftToRight(n, length).batches();
        for (int i = 0; rows > 0 && i + 1 < batches.length; i++) {
            int begin = batches[i];
            int width = batches[i + 1] - begin;
            launcher.call(lane, MODULE, "gptq_batch")
                    .address(work.weights)
                    .reads(upper)
                    .address(work.errors)
                    .address(work.packed)
                    .long64(format.rowBytes(n))
                    .integer(rows)
                    .integer(n)
                    .integer(begin)
                    .integer(width)
                    .integer(length)
                    .integer(format.bits())
                    .integer(PackedFormat.of(format, n).orElseThrow().zero())
                    .address(work.fallbacks)
                    .launch(Grid.of(Math.ceilDiv(rows, WARPS)), 32 * WARPS);
            update(lane, rows, width, upper.from(begin, begin + width), work, n - begin - width);
        }
    }

    /** Subtracts errors·U from the last {@code rest} columns. */
    private void update(Lane lane, int rows, int width, DeviceTensor corner, Work work, int rest) {
        if (rest == 0) {
            return;
        }
        int n = corner.columns();
        launcher.call(lane, MODULE, "subtract_product")
                .address(work.errors)
                .long64(width)
                .reads(corner)
                .long64(n)
                .address(work.weights + 4L * (n - rest))
                .long64(n)
                .integer(rows)
                .integer(rest)
                .integer(width)
                .launch(Grid.of(Math.ceilDiv(rest, TILE), Math.ceilDiv(rows, TILE)), 256);
    }
}
