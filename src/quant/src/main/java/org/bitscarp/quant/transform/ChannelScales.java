package org.bitscarp.quant.transform;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;

/**
 * The search of AWQ (arXiv 2306.00978, section 3.2): weights of a channel are multiplied by s = (size of its activations)^α
 * before rounding, with the α whose output error is least. The size is the root of the mean square, where the paper takes
 * the mean of |x|; the error is that of each map's own output, tr((W − Ŵ)·H·(W − Ŵ)ᵀ), so that the calibration text is
 * gone through once. AWQ's search of clipping thresholds is {@link ClipSearch}.
 */
public final class ChannelScales {
    /** α = 0, 1/20, … as in the authors' code. */
    private static final int STEPS = 20;
    /** Sizes below this are taken as this, as in the authors' code. */
    private static final double LEAST = 1e-4;
    /** Rows of a map that the error is computed on, evenly spaced. */
    private static final int SAMPLE = 128;

    private ChannelScales() {}

    /**
     * A map among those that read the same scaled input.
     *
     * @param inputs with a Hessian
     */
    public record Reader(DenseMatrix weights, BlockFormat format, InputStatistics inputs) {}

    /**
     * What the search found.
     *
     * @param exponent α; 0 leaves channels alone
     * @param factors of weights, one for each channel
     */
    public record Choice(double exponent, float[] factors) {}

    /**
     * Searches the factors that all readers share.
     *
     * @param readers at least one; the size of activations is taken over all of them
     * @param shared which channels have to have the same factor; null where each has its own
     * @param solver that chooses codes during the search, without a Hessian
     */
    public static Choice search(List<Reader> readers, SharedChannels shared, Solver solver) {
        float[] sizes = meanSquares(readers);
        if (shared != null) {
            sizes = shared.spread(shared.mean(sizes));
        }
        Choice best = null;
        double least = Double.POSITIVE_INFINITY;
        for (int step = 0; step < STEPS; step++) {
            double exponent = (double) step / STEPS;
            float[] factors = factors(sizes, exponent);
            double error = 0;
            for (Reader reader : readers) {
                error += error(reader, factors, solver);
            }
            if (error < least) {
                least = error;
                best = new Choice(exponent, factors);
            }
        }
        // Only errors that are not finite leave nothing to choose; then channels stay as they are.
        return best == null ? new Choice(0, factors(sizes, 0)) : best;
    }

    private static float[] meanSquares(List<Reader> readers) {
        float[] mean = new float[readers.getFirst().inputs.meanSquares().length];
        for (int i = 0; i < mean.length; i++) {
            double sum = 0;
            for (Reader reader : readers) {
                sum += reader.inputs.meanSquares()[i];
            }
            mean[i] = (float) (sum / readers.size());
        }
        return mean;
    }

    /** sizes^α, scaled so that the largest and the smallest are each other's inverse. */
    static float[] factors(float[] meanSquares, double exponent) {
        double[] powers = new double[meanSquares.length];
        for (int i = 0; i < powers.length; i++) {
            powers[i] = Math.max(LEAST, Math.pow(Math.sqrt(meanSquares[i]), exponent));
        }
        double middle = Math.sqrt(Arrays.stream(powers).max().orElse(1)
                * Arrays.stream(powers).min().orElse(1));
        float[] factors = new float[powers.length];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (float) (powers[i] / middle);
        }
        return factors;
    }

    static double error(Reader reader, float[] factors, Solver solver) {
        DenseMatrix all = reader.weights;
        int columns = all.columns();
        int rows = Math.min(SAMPLE, all.rows());
        Scaling scaling = new Scaling(factors);
        float[] original = new float[columns];
        float[] row = new float[columns];
        float[] scaledSquares = reader.inputs.meanSquares().clone();
        scaling.apply(scaledSquares);
        scaling.apply(scaledSquares);
        try (Arena arena = Arena.ofConfined()) {
            DenseMatrix work = new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
            for (int r = 0; r < rows; r++) {
                all.row(sampled(r, rows, all.rows()), row);
                scaling.applyToRow(row);
                MemorySegment.copy(row, 0, work.data(), JAVA_FLOAT, 4L * r * columns, columns);
            }
            PackedMatrix packed = PackedMatrix.allocate(reader.format, rows, columns, arena);
            solver.prepare(work, InputStatistics.of(scaledSquares), packed).solve(0, rows, new SolveStats());
            for (int r = 0; r < rows; r++) {
                packed.decodeRow(r, row);
                scaling.undoOnRow(row);
                all.row(sampled(r, rows, all.rows()), original);
                for (int c = 0; c < columns; c++) {
                    row[c] -= original[c];
                }
                MemorySegment.copy(row, 0, work.data(), JAVA_FLOAT, 4L * r * columns, columns);
            }
            return reader.inputs.hessian().outputError(work) / rows * all.rows();
        }
    }

    private static int sampled(int row, int rows, int of) {
        return (int) ((long) row * of / rows);
    }
}
