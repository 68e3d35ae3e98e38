package org.bitscarp.compute;

import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;

/**
 * Quantizes where a backend computes, from full-precision weights that are there already, to the bytes and counts of the
 * host's solver.
 */
public interface DeviceQuantizer {
    /** Whether it has the solver for the format in rows of {@code columns} weights; the host quantizes the rest. */
    boolean supports(Solver solver, BlockFormat format, int columns);

    /**
     * Quantizes a matrix; its packed bytes are decoded on the spot.
     *
     * @param weights [rows, columns] in full precision; stays as it is
     * @param together rows whose squared errors are added up before they are added to the rest: the order in which the
     *     host's threads add
     * @param packed receives the bytes; null where only the decoded weights are wanted
     * @param target [rows, columns], receives what the bytes decode to
     * @return what the host's solver would have counted
     */
    SolveStats quantize(
            Solver solver, BlockFormat format, Tensor weights, int together, PackedMatrix packed, Tensor target);
}
