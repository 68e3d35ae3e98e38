package org.bitscarp.eval.engine;

import org.bitscarp.compute.Backend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.compute.OuterProducts;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;

/**
 * Σ x·xᵀ of one input, to which units add in their order ({@link PanelTurns}). A compensated sum takes three times the memory:
 * each panel of a unit is multiplied by itself first, and then moved into a sum of two numbers.
 */
final class MomentSum {
    private final Backend backend;
    private final PanelTurns turns;
    private final Tensor sums;
    /** What the sums' roundings leave out; null where sums are not compensated. */
    private final Tensor low;
    /** Products of the unit at work on each panel. */
    private final Tensor part;

    private long rows;

    MomentSum(Backend backend, TensorMemory memory, int columns) {
        this.backend = backend;
        turns = PanelTurns.triangle(columns);
        sums = zeros(memory, columns);
        boolean compensated = backend.moments() == MomentPrecision.COMPENSATED;
        low = compensated ? zeros(memory, columns) : null;
        part = compensated ? zeros(memory, columns) : null;
    }

    private Tensor zeros(TensorMemory memory, int columns) {
        Tensor zeros = memory.allocate(columns, columns);
        backend.clear(zeros);
        return zeros;
    }

    /** Adds the products of a unit of so many rows; waits for units before it. */
    void add(int unit, Turns.Finished finished, int tokens, OuterProducts products) {
        turns.add(unit, finished, (first, count) -> {
            if (low == null) {
                products.add(first, count, sums);
            } else {
                products.add(first, count, part);
                backend.addCompensated(part, first, count, sums, low);
            }
            rows += first == 0 ? tokens : 0;
        });
    }

    /** Rows of x so far. */
    long rows() {
        return rows;
    }

    /** The sums, of use from the diagonal on. */
    Tensor products() {
        if (low != null) {
            backend.add(sums, low);
            backend.clear(low);
        }
        return sums;
    }
}
