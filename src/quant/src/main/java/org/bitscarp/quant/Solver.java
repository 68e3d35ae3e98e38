package org.bitscarp.quant;

/** Chooses the codes of a whole matrix. Works on every {@link BlockFormat}. */
public interface Solver {
    /** The solver's word in a level string: {@code rtn}, {@code search}, … */
    String name();

    /** Whether this solver has something to choose in a format; plain number formats only leave rounding to do. */
    default boolean supports(BlockFormat format) {
        return format.fitted();
    }

    /** Whether {@link #prepare} makes use of importances. */
    default boolean calibrated() {
        return false;
    }

    /**
     * Does what concerns the whole matrix once (a scale shared by the tensor, a factorised Hessian) and returns the
     * part that works on rows.
     *
     * @param weights the full-precision matrix; read only
     * @param importance mean squared activation of each input channel, {@code weights.columns()} long; null when there
     *     was no calibration
     * @param target where the packed rows go
     */
    RowSolver prepare(DenseMatrix weights, float[] importance, PackedMatrix target);

    /** Solves rows independently of each other, so that callers may spread row ranges over threads. */
    interface RowSolver {
        /** Solves and packs rows {@code [from, to)}; adds what happened to {@code stats}. */
        void solve(int from, int to, SolveStats stats);
    }
}
