package org.bitscarp.cuda.backend;

import java.util.HashMap;
import java.util.Map;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.quant.gptq.ColumnPlan;
import org.bitscarp.quant.gptq.Damping;

/** Second moments on the device and the factors of their damped inverses, made when first asked for. */
final class CudaMoments implements DeviceMoments {
    private final FactorKernels kernels;
    private final DeviceTensors memory;
    private final DeviceTensor sums;
    private final long rows;
    private final Map<Rule, Factor> factors = new HashMap<>();
    private DeviceTensor mean;

    /**
     * @param memory for factors
     * @param sums [n, n], Σ x·xᵀ above the diagonal
     * @param rows number of inputs summed
     */
    CudaMoments(FactorKernels kernels, DeviceTensors memory, DeviceTensor sums, long rows) {
        this.kernels = kernels;
        this.memory = memory;
        this.sums = sums;
        this.rows = rows;
    }

    /**
     * How a factor is made.
     *
     * @param share of the mean diagonal that is added to it
     * @param ordered channels in the order of the falling diagonal
     */
    private record Rule(double share, boolean ordered) {}

    /**
     * A factor and how it came about.
     *
     * @param upper [n, n], U with (H + λI)⁻¹ = UᵀU
     * @param order [1, n] ints, the channel at each place; null where they stand in their own order
     */
    record Factor(DeviceTensor upper, DeviceTensor order, Damping damping) {}

    /** Number of inputs of the map. */
    int channels() {
        return sums.columns();
    }

    /** @param share of the mean diagonal that is added to it */
    synchronized Factor factor(Lane lane, double share, boolean ordered) {
        return factors.computeIfAbsent(new Rule(share, ordered), rule -> {
            int n = channels();
            float[] diagonal = kernels.diagonal(lane, sums, rows);
            DeviceTensor order = null;
            if (ordered) {
                int[] places = ColumnPlan.byFalling(diagonal);
                float[] falling = new float[n];
                for (int i = 0; i < n; i++) {
                    falling[i] = diagonal[places[i]];
                }
                diagonal = falling;
                order = DeviceTensor.of(memory.allocate(1, n));
                kernels.upload(lane, places, order);
            }
            DeviceTensor upper = DeviceTensor.of(memory.allocate(n, n));
            return new Factor(upper, order, kernels.factor(lane, sums, rows, diagonal, share, order, upper));
        });
    }

    /** H, [n, n]. */
    synchronized DeviceTensor mean(Lane lane) {
        if (mean == null) {
            mean = DeviceTensor.of(memory.allocate(channels(), channels()));
            kernels.mean(lane, sums, rows, mean);
        }
        return mean;
    }

    @Override
    public synchronized void close() {
        factors.clear();
        mean = null;
        memory.close();
    }
}
