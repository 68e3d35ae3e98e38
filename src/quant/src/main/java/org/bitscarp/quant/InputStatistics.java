package org.bitscarp.quant;

import java.lang.foreign.SegmentAllocator;
import org.bitscarp.quant.gptq.CrossMoments;
import org.bitscarp.quant.gptq.Hessian;
import org.bitscarp.quant.transform.Basis;

/**
 * What calibration tells of the inputs of a linear map.
 *
 * @param meanSquares mean squared activation of each input channel
 * @param hessian mean of x·xᵀ over the same tokens, or null where no solver asked for it
 * @param cross what these inputs lack of those of full precision; null where they are those, or no solver asked for it
 */
public record InputStatistics(float[] meanSquares, Hessian hessian, CrossMoments cross) {
    /** Inputs that lack nothing of those of full precision, or of which nobody asks what they lack. */
    public InputStatistics(float[] meanSquares, Hessian hessian) {
        this(meanSquares, hessian, null);
    }

    /** Mean squares alone. */
    public static InputStatistics of(float[] meanSquares) {
        return meanSquares == null ? null : new InputStatistics(meanSquares, null);
    }

    /**
     * The same inputs in another basis; null where second moments would be needed to know it and are not there.
     *
     * @param memory for second moments and their factors
     */
    public InputStatistics in(Basis basis, SegmentAllocator memory) {
        if (hessian != null) {
            Hessian moved = hessian.in(basis, memory);
            return new InputStatistics(
                    moved.meanSquares(), moved, cross == null ? null : cross.in(basis, growth(moved), memory));
        }
        return null;
    }

    private double growth(Hessian moved) {
        double before = sum(hessian.meanSquares());
        return before > 0 ? sum(moved.meanSquares()) / before : 1;
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    /** @throws IllegalArgumentException where they belong to a matrix of another width */
    public void check(int columns) {
        if (meanSquares.length != columns) {
            throw new IllegalArgumentException("importance has " + meanSquares.length + " entries for " + columns
                    + " input channels; one each is needed");
        }
        if (hessian != null && hessian.size() != columns) {
            throw new IllegalArgumentException(
                    "a Hessian of " + hessian.size() + " channels for a matrix of " + columns + " columns");
        }
        if (cross != null && cross.size() != columns) {
            throw new IllegalArgumentException(
                    "cross moments of " + cross.size() + " channels for a matrix of " + columns + " columns");
        }
    }
}
