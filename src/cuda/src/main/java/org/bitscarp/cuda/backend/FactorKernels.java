package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.gptq.Damping;

/** The factor of a damped inverse Hessian on the device, to the bits of {@code quant.gptq.InverseFactor}. */
final class FactorKernels {
    private static final String MODULE = "cholesky";
    /** Rows that are factored, or inverted, at a time. */
    static final int BLOCK = 64;

    /** Rows whose inverse the CPU solves together. */
    private static final int STRIDE = 128;

    private static final int TILE = 32;

    private final Launcher launcher;
    private final long largeFrom;

    FactorKernels(Launcher launcher) {
        this(launcher, launcher.multiprocessors());
    }

    /** @param largeFrom number of large tiles from which on they are used */
    FactorKernels(Launcher launcher, long largeFrom) {
        this.launcher = launcher;
        this.largeFrom = largeFrom;
    }

    /**
     * Factors the mean of what was summed.
     *
     * @param sums [n, n], Σ x·xᵀ over {@code rows} inputs, above the diagonal
     * @param diagonal of the mean, in the order below
     * @param share of the mean diagonal that is added to it
     * @param order [1, n] ints, the channel that stands at each place; null where they stand in their own order
     * @param upper [n, n], receives U with (H + λI)⁻¹ = UᵀU
     * @return what was added, and what had to be left of the rule
     */
    Damping factor(
            Lane lane,
            DeviceTensor sums,
            long rows,
            float[] diagonal,
            double share,
            DeviceTensor order,
            DeviceTensor upper) {
        int n = sums.columns();
        return Damping.raiseUntil(diagonal, share, damping -> {
            Call call = launcher.call(lane, MODULE, "hessian_reverse").reads(sums);
            (order == null ? call.address(0) : call.reads(order))
                    .writes(upper)
                    .integer(n)
                    .float32(scale(rows))
                    .float64(damping.lambda())
                    .float64(damping.unit())
                    .launch(Launcher.rowGrid(n, n), Launcher.THREADS);
            boolean positive = cholesky(lane, upper);
            if (positive) {
                invert(lane, upper);
                launcher.call(lane, MODULE, "mirror")
                        .writes(upper)
                        .integer(n)
                        .launch(Launcher.rowGrid(n, n), Launcher.THREADS);
            }
            return positive;
        });
    }

    private static float scale(long rows) {
        return (float) (1.0 / rows);
    }

    /** The mean of what was summed, [n, n]. */
    void mean(Lane lane, DeviceTensor sums, long rows, DeviceTensor target) {
        int n = sums.columns();
        launcher.call(lane, MODULE, "hessian_mean")
                .reads(sums)
                .writes(target)
                .integer(n)
                .float32(scale(rows))
                .launch(Launcher.rowGrid(n, n), Launcher.THREADS);
    }

    /** Its diagonal. */
    float[] diagonal(Lane lane, DeviceTensor sums, long rows) {
        float[] diagonal = new float[sums.columns()];
        long found = lane.scratch(4L * diagonal.length);
        launcher.call(lane, MODULE, "hessian_diagonal")
                .reads(sums)
                .address(found)
                .integer(diagonal.length)
                .launch(Launcher.rowGrid(diagonal.length, 1), Launcher.THREADS);
        lane.download(found, MemorySegment.ofArray(diagonal));
        for (int i = 0; i < diagonal.length; i++) {
            diagonal[i] *= scale(rows);
        }
        return diagonal;
    }

    /** Sends an order of channels to the device. */
    void upload(Lane lane, int[] order, DeviceTensor target) {
        launcher.queue.order(
                lane,
                List.of(),
                List.of(target.block()),
                () -> lane.upload(MemorySegment.ofArray(order), target.address()));
    }

    /**
     * A = RᵀR in place, above the diagonal.
     *
     * @return false where a pivot is not positive
     */
    boolean cholesky(Lane lane, DeviceTensor a) {
        int n = a.columns();
        long factors = lane.scratch(4L * (n + 1));
        long failed = factors + 4L * n;
        launcher.queue.driver().fill(failed, 4, (byte) 0, lane.stream);
        for (int k = 0; k < n; k += BLOCK) {
            launcher.call(lane, MODULE, "cholesky_block")
                    .writes(a)
                    .address(factors)
                    .integer(n)
                    .integer(k)
                    .address(failed)
                    .launch(Grid.of(1), 256);
            int rest = n - k - BLOCK;
            if (rest > 0) {
                launcher.call(lane, MODULE, "cholesky_panel")
                        .writes(a)
                        .address(factors)
                        .integer(n)
                        .integer(k)
                        .launch(Grid.of(Math.ceilDiv(rest, BLOCK)), BLOCK);
                int large = Math.ceilDiv(rest, 128);
                int tile = (long) large * large >= largeFrom ? 128 : TILE;
                launcher.call(lane, MODULE, "cholesky_rest_" + tile)
                        .writes(a)
                        .integer(n)
                        .integer(k)
                        .launch(Grid.of(Math.ceilDiv(rest, tile), Math.ceilDiv(rest, tile)), tile == 128 ? 256 : 64);
            }
        }
        int[] found = new int[1];
        lane.download(failed, MemorySegment.ofArray(found));
        return found[0] == 0;
    }

    /** R becomes R⁻¹ in place, above the diagonal. */
    void invert(Lane lane, DeviceTensor r) {
        int n = r.columns();
        long aside = lane.scratch(4L * BLOCK * n);
        for (int k = (n - 1) / BLOCK * BLOCK; k >= 0; k -= BLOCK) {
            int rows = Math.min(BLOCK, n - k);
            launcher.call(lane, MODULE, "invert_begin")
                    .writes(r)
                    .address(aside)
                    .integer(n)
                    .integer(k)
                    .launch(Grid.of(Math.ceilDiv(n - k, Launcher.THREADS), rows), Launcher.THREADS);
            int end = Math.min(n, (k / STRIDE + 1) * STRIDE);
            if (end < n) {
                launcher.call(lane, MODULE, "invert_rest")
                        .writes(r)
                        .address(aside)
                        .integer(n)
                        .integer(k)
                        .integer(end)
                        .launch(Grid.of(Math.ceilDiv(n - end, TILE), BLOCK / TILE), 256);
            }
            launcher.call(lane, MODULE, "invert_block")
                    .writes(r)
                    .address(aside)
                    .integer(n)
                    .integer(k)
                    .integer(end)
                    .launch(Grid.of(Math.ceilDiv(n - k, BLOCK)), BLOCK);
        }
    }
}
