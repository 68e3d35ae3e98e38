package org.bitscarp.cuda.backend;

import java.util.HashMap;
import java.util.Map;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.quant.gptq.Damping;

/** Second moments on the device and the factors of their damped inverses, made when first asked for. */
final class CudaMoments implements DeviceMoments {
    private final FactorKernels kernels;
    private final DeviceTensors memory;
    private final DeviceTensor sums;
    private final long rows;
    private final Map<Double, Factor> factors = new HashMap<>();

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
     * A factor and how it came about.
     *
     * @param upper [n, n], U with (H + λI)⁻¹ = UᵀU
     */
    record Factor(DeviceTensor upper, Damping damping) {}

    /** @param share of the mean diagonal that is added to it */
    synchronized Factor factor(Lane lane, double share) {
        Factor factor = factors.get(share);
        if (factor == null) {
            int n = sums.columns();
            DeviceTensor upper = DeviceTensor.of(memory.allocate(n, n));
            factor = new Factor(upper, kernels.factor(lane, sums, rows, share, upper));
            factors.put(share, factor);
        }
        return factor;
    }

    @Override
    public synchronized void close() {
        factors.clear();
        memory.close();
    }
}
