package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuException;

/** Chooses who multiplies. */
final class MatrixProducts {
    private MatrixProducts() {}

    /** @throws GpuException when nobody here multiplies in that arithmetic */
    static MatrixProduct choose(GpuDriver driver, Launcher launcher, ComputeType compute) {
        if (compute == ComputeType.FP32) {
            return new OwnProduct(launcher);
        }
        int capability = driver.device().computeCapability();
        if (capability < TensorCores.CAPABILITY) {
            throw new GpuException("--compute " + compute.word() + " needs a device of compute capability 8.0, "
                    + driver.device().name() + " has " + capability / 10 + "." + capability % 10 + "; use fp32");
        }
        return new TensorProduct(launcher, DenseType.valueOf(compute.name()));
    }
}
