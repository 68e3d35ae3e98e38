package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;

/**
 * What follows GPTQ's column loop under the full Hessian: codes move one after another, grids follow them, in rounds
 * ({@code quant.gptq.CoordinateDescent} and {@code GridRefit}).
 */
final class RefineKernels {
    private static final String MODULE = "refine";
    private static final int WARPS = 4;

    private final Launcher launcher;
    private final GptqKernels gptq;

    RefineKernels(Launcher launcher, GptqKernels gptq) {
        this.launcher = launcher;
        this.gptq = gptq;
    }

    /**
     * What is refined against what.
     *
     * @param h [n, n], H
     * @param lambda what was added to its diagonal
     * @param passes over the codes at most, until nothing moves
     * @param refits rounds of fitting the grids to the codes, each followed by further passes
     */
    record Problem(DeviceTensor h, double lambda, int passes, int refits) {}

    /**
     * Addresses in memory of the lane, aligned to 8.
     *
     * @param damped room for n doubles
     * @param gradient room for rows × n floats
     * @param errors the same
     * @param products room for rows × a block's length of floats
     * @param ones room for n floats
     * @param flags room for 3 × rows ints
     */
    record Room(long damped, long gradient, long errors, long products, long ones, long flags) {}

    /**
     * Refines the codes and grids of all rows.
     *
     * @param w [rows, n]; weights that are not finite count as 0
     */
    void run(Lane lane, DeviceTensor w, IntRows rows, Problem problem, Room room) {
        int n = rows.columns();
        long flagBytes = 4L * rows.rows();
        long active = room.flags;
        long changed = active + flagBytes;
        channels(lane, rows, problem, room);
        errors(lane, w, rows, room);
        fill(lane, room.gradient, 4L * rows.rows() * n, 0);
        // (w − q)·H; kept up with every move.
        gptq.subtract(lane, new GptqKernels.Product(rows.rows(), n, n, 0), room.errors, n, problem.h, room.gradient, n);
        fill(lane, active, flagBytes, 1);
        descend(lane, w, rows, problem, room, active);
        for (int round = 0; round < problem.refits; round++) {
            fill(lane, changed, flagBytes, 0);
            refit(lane, w, rows, problem, room, active, changed);
            // Rows of which no grid has changed are done.
            long done = active;
            active = changed;
            changed = done;
            descend(lane, w, rows, problem, room, active);
        }
    }

    private void fill(Lane lane, long address, long bytes, int value) {
        launcher.queue.driver().fill(address, bytes, (byte) value, lane.stream);
    }

    private void channels(Lane lane, IntRows rows, Problem problem, Room room) {
        launcher.call(lane, MODULE, "refine_channels")
                .reads(problem.h)
                .float64(problem.lambda)
                .address(room.damped)
                .address(room.ones)
                .integer(rows.columns())
                .integer(rows.length())
                .launch(Launcher.rowGrid(rows.columns(), 1), Launcher.THREADS);
    }

    private void errors(Lane lane, DeviceTensor w, IntRows rows, Room room) {
        launcher.call(lane, MODULE, "refine_errors")
                .reads(w)
                .address(rows.grids())
                .address(rows.codes())
                .address(room.errors)
                .integer(rows.rows())
                .integer(rows.columns())
                .integer(rows.length())
                .launch(Launcher.rowGrid(rows.columns(), rows.rows()), Launcher.THREADS);
    }

    private void descend(Lane lane, DeviceTensor w, IntRows rows, Problem problem, Room room, long active) {
        launcher.call(lane, MODULE, "descent")
                .reads(w)
                .reads(problem.h)
                .address(room.damped)
                .address(rows.grids())
                .address(rows.codes())
                .address(room.gradient)
                .address(active)
                .integer(rows.rows())
                .integer(rows.columns())
                .integer(rows.length())
                .integer(rows.maxCode())
                .float64(problem.lambda)
                .integer(problem.passes)
                .launch(Grid.of(Math.ceilDiv(rows.rows(), WARPS)), 32 * WARPS);
    }

    /** One round over the grids of active rows, block after block. */
    private void refit(Lane lane, DeviceTensor w, IntRows rows, Problem problem, Room room, long active, long changed) {
        int n = rows.columns();
        long moved = room.flags + 2 * 4L * rows.rows();
        for (int first = 0; first < n; first += rows.length()) {
            int width = Math.min(rows.length(), n - first);
            launcher.call(lane, MODULE, "refit_levels")
                    .address(rows.grids())
                    .address(rows.codes())
                    .address(active)
                    .address(room.errors)
                    .address(room.products)
                    .integer(rows.rows())
                    .integer(n)
                    .integer(first)
                    .integer(width)
                    .integer(rows.length())
                    .launch(Launcher.rowGrid(width, rows.rows()), Launcher.THREADS);
            GptqKernels.Product inside = new GptqKernels.Product(rows.rows(), width, width, active);
            gptq.subtract(lane, inside, room.errors, width, problem.h.from(first, first), room.products, width);
            launcher.call(lane, MODULE, "refit_grids")
                    .reads(w)
                    .address(room.gradient)
                    .address(room.ones)
                    .address(rows.grids())
                    .address(rows.codes())
                    .address(room.errors)
                    .address(room.products)
                    .address(active)
                    .address(moved)
                    .address(changed)
                    .integer(rows.rows())
                    .integer(n)
                    .integer(first)
                    .integer(width)
                    .integer(rows.length())
                    .integer(rows.maxCode())
                    .integer(rows.format().symmetric() ? 1 : 0)
                    .float64(problem.lambda)
                    .launch(Grid.of(Math.ceilDiv(rows.rows(), 32)), 32);
            GptqKernels.Product all = new GptqKernels.Product(rows.rows(), n, width, moved);
            gptq.subtract(lane, all, room.errors, width, problem.h.from(first, 0), room.gradient, n);
        }
    }
}
