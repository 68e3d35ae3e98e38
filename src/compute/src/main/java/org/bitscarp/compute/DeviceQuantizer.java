package org.bitscarp.compute;

import java.util.Collection;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;

/**
 * Quantizes where a backend computes, from full-precision weights and calibration sums that are there already, to the bytes
 * and counts of the host's solver.
 */
public interface DeviceQuantizer {
    /** Whether it has the solver for the format in rows of {@code columns} weights; the host quantizes the rest. */
    boolean supports(Solver solver, BlockFormat format, int columns);

    /**
     * Second moments for solvers that need them.
     *
     * @param sums [n, n], Σ x·xᵀ above the diagonal; stays as it is, and has to be there until the result is closed
     * @param rows number of inputs summed
     */
    DeviceMoments moments(Tensor sums, long rows);

    /**
     * Memory that {@link #moments} of one input take beside the sums, at most.
     *
     * @param channels of the input
     * @param solvers that will use them
     */
    long momentsBytes(int channels, Collection<Solver> solvers);

    /**
     * One matrix.
     *
     * @param weights [rows, columns] in full precision; stays as it is
     * @param importance mean squared activation of each input channel; null for all equal
     * @param moments of its inputs; null where the solver does without
     * @param together rows whose squared errors are added up before they are added to the rest: the order in which the
     *     host's threads add
     */
    record Job(
            Solver solver,
            BlockFormat format,
            Tensor weights,
            float[] importance,
            DeviceMoments moments,
            int together) {}

    /**
     * Quantizes a matrix; its packed bytes are decoded on the spot.
     *
     * @param packed receives the bytes; null where only the decoded weights are wanted
     * @param target [rows, columns], receives what the bytes decode to
     * @return what the host's solver would have counted
     */
    SolveStats quantize(Job job, PackedMatrix packed, Tensor target);
}
