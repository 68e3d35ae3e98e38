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

    /**
     * Chooses grids and codes of all rows.
     *
     * @param work [rows, n], finite weights; of no use afterwards
     * @param upper [n, n], U with (H + λI)⁻¹ = UᵀU
     * @param packed address of room for {@code rows × format.rowBytes(n)} bytes
     * @param errors address of room for rows × {@link ColumnPlan#BATCH} floats
     * @param fallbacks address of a long that is added to: fallbacks of grids
     */
    void run(
            Lane lane,
            GroupedInt format,
            DeviceTensor work,
            DeviceTensor upper,
            long packed,
            long errors,
            long fallbacks) {
        if (work.size() == 0) {
            return;
        }
        int rows = work.rows();
        int n = work.columns();
        int length = format.blockLength(n);
        int[] batches = ColumnPlan.leftToRight(n, length).batches();
        for (int i = 0; i + 1 < batches.length; i++) {
            int begin = batches[i];
            int width = batches[i + 1] - begin;
            launcher.call(lane, MODULE, "gptq_batch")
                    .reads(work)
                    .reads(upper)
                    .address(errors)
                    .address(packed)
                    .long64(format.rowBytes(n))
                    .integer(rows)
                    .integer(n)
                    .integer(begin)
                    .integer(width)
                    .integer(length)
                    .integer(format.bits())
                    .integer(PackedFormat.of(format, n).orElseThrow().zero())
                    .address(fallbacks)
                    .launch(Grid.of(Math.ceilDiv(rows, WARPS)), 32 * WARPS);
            update(lane, errors, width, upper.from(begin, begin + width), work, begin + width);
        }
    }

    /** Subtracts errors·U from columns {@code [end, n)}. */
    private void update(Lane lane, long errors, int width, DeviceTensor corner, DeviceTensor work, int end) {
        int rest = work.columns() - end;
        if (rest == 0) {
            return;
        }
        launcher.call(lane, MODULE, "subtract_product")
                .address(errors)
                .long64(width)
                .reads(corner)
                .long64(work.columns())
                .writes(work.from(0, end))
                .long64(work.columns())
                .integer(work.rows())
                .integer(rest)
                .integer(width)
                .launch(Grid.of(Math.ceilDiv(rest, TILE), Math.ceilDiv(work.rows(), TILE)), 256);
    }
}
