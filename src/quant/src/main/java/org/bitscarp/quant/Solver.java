package org.bitscarp.quant;

/** Chooses the codes of a whole matrix. Works on every {@link BlockFormat}. */
public interface Solver {
    /**
     * Rows that make a piece of work for {@link RowSolver#solve}: about a millisecond of round-to-nearest at least, and whole
     * tiles of error feedback, whatever the width of vectors.
     */
    static int rowsTogether(int columns) {
        int tile = 64;
        return Math.ceilDiv(Math.max(1, (1 << 17) / Math.max(1, columns)), tile) * tile;
    }

    /** The solver's word in a level string: {@code rtn}, {@code search}, … */
    String name();

    /** Whether this solver has something to choose in a format; plain number formats only leave rounding to do. */
    default boolean supports(BlockFormat format) {
        return format.fitted();
    }

    /** Whether {@link #prepare} makes use of what calibration found. */
    default boolean calibrated() {
        return false;
    }

    /** Whether {@link #prepare} needs second moments of the inputs, {@link InputStatistics#hessian}. */
    default boolean needsHessian() {
        return false;
    }

    /**
     * Whether inputs are to be those that reach a map when everything before it is quantized ("true-sequential" in GPTQ's
     * reference code), and not those of full precision.
     */
    default boolean sequential() {
        return false;
    }

    /** Whether {@link #prepare} makes use of what those inputs lack of full precision's, {@link InputStatistics#cross}. */
    default boolean asymmetric() {
        return false;
    }

    /**
     * Does what concerns the inputs alone, a factorised Hessian, once for all matrices that read them; {@link #prepare} does
     * it by itself where nobody else did.
     *
     * @param inputs what calibration tells of the inputs
     * @param workers who share the work
     */
    default void prepareInputs(InputStatistics inputs, Workers workers) {}

    /**
     * Does what concerns the whole matrix once (a scale shared by the tensor) and returns the
     * part that works on rows.
     *
     * @param weights the full-precision matrix; read only
     * @param inputs what calibration tells of the inputs; null when there was none
     * @param target where the packed rows go
     */
    RowSolver prepare(DenseMatrix weights, InputStatistics inputs, PackedMatrix target);

    /** Solves rows independently of each other, so that callers may spread row ranges over threads. */
    interface RowSolver {
        /** Solves and packs rows {@code [from, to)}; adds what happened to {@code stats}. */
        void solve(int from, int to, SolveStats stats);
    }
}
