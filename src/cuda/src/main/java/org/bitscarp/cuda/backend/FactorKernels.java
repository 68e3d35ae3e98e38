package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
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
     * @param share of the mean diagonal that is added to it
     * @param upper [n, n], receives U with (H + λI)⁻¹ = UᵀU
     * @return what was added, and what had to be left of the rule
     */
    Damping factor(Lane lane, DeviceTensor sums, long rows, double share, DeviceTensor upper) {
        int n = sums.columns();
        float scale = (float) (1.0 / rows);
        float[] diagonal = diagonal(lane, sums);
        for (int i = 0; i < n; i++) {
            diagonal[i] *= scale;
        }
        return Damping.raiseUntil(diagonal, share, damping -> {
            launcher.call(lane, MODULE, "hessian_reverse")
                    .reads(sums)
                    .writes(upper)
                    .integer(n)
                    .float32(scale)
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

    private float[] diagonal(Lane lane, DeviceTensor sums) {
        float[] diagonal = new float[sums.columns()];
        long found = lane.scratch(4L * diagonal.length);
        launcher.call(lane, MODULE, "hessian_diagonal")
                .reads(sums)
                .address(found)
                .integer(diagonal.length)
                .launch(Launcher.rowGrid(diagonal.length, 1), Launcher.THREADS);
        lane.download(found, MemorySegment.ofArray(diagonal));
        return diagonal;
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
