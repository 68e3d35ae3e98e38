package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.GroupedInt;

/** Launches of quantizers: fp32 weights on the device to the bytes that the CPU writes. */
final class QuantizeKernels {
    private static final int WARPS = 4;
    private static final int MAX_GRID_ROWS = 65535;

    private final Launcher launcher;

    QuantizeKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    /**
     * Rounds to the nearest integers of the published grid. Weights that are not finite count as 0.
     *
     * @param w [rows, columns]
     * @param packed room for {@code rows × format.rowBytes(columns)} bytes
     * @param counts two longs that are added to: fallbacks of grids, weights that are not finite
     */
    void nearest(Lane lane, GroupedInt format, DeviceTensor w, DeviceTensor packed, DeviceTensor counts) {
        if (w.size() == 0) {
            return;
        }
        int length = format.blockLength(w.columns());
        int blocks = Math.ceilDiv(w.columns(), length);
        launcher.call(lane, "quantize_int", "quantize_int")
                .reads(w)
                .writes(packed)
                .long64(format.rowBytes(w.columns()))
                .integer(w.rows())
                .integer(w.columns())
                .integer(length)
                .integer(format.bits())
                .integer(PackedFormat.of(format, w.columns()).orElseThrow().zero())
                .writes(counts)
                .launch(Grid.of(Math.ceilDiv(blocks, WARPS), Math.min(w.rows(), MAX_GRID_ROWS)), 32 * WARPS);
    }
}
