package org.bitscarp.cuda.backend;

import java.nio.ByteBuffer;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.SolveStats;

/** How far quantized rows are from the full-precision ones, in the order of additions of the CPU's solvers. */
final class RowErrors {
    /** Bytes of {@code RowError} in {@code row_error.cu}: error, squared weights, number of weights that are not finite. */
    static final int BYTES = 24;

    private static final int THREADS_EACH = 4;

    private final Launcher launcher;

    RowErrors(Launcher launcher) {
        this.launcher = launcher;
    }

    /**
     * Starts the comparison.
     *
     * @param w [rows, columns]
     * @param q [rows, columns]
     * @param fed whether weights that are not finite have become what error feedback took to them, and not 0
     * @param errors address of room for {@code rows ×} {@link #BYTES} bytes, aligned to 8
     */
    void compare(Lane lane, DeviceTensor w, DeviceTensor q, boolean fed, long errors) {
        launcher.call(lane, "row_error", "row_error")
                .reads(w)
                .reads(q)
                .address(errors)
                .integer(w.rows())
                .integer(w.columns())
                .integer(fed ? 1 : 0)
                .launch(
                        Grid.of(Math.toIntExact(Math.ceilDiv((long) THREADS_EACH * w.rows(), Launcher.THREADS))),
                        Launcher.THREADS);
    }

    /** Adds the next row of what {@link #compare} has written. */
    static void add(ByteBuffer row, int columns, SolveStats stats) {
        stats.squaredError += row.getDouble();
        stats.squaredWeights += row.getDouble();
        stats.nonfinite += row.getLong();
        stats.weights += columns;
    }
}
