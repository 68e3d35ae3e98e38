package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuException;

/** Chooses who multiplies. */
final class MatrixProducts {
    private MatrixProducts() {}

    /** @throws GpuException when nobody here multiplies in that arithmetic */
    static MatrixProduct choose(GpuDriver driver, Launcher launcher, ComputeType compute) {
        if (compute != ComputeType.FP32) {
            throw new GpuException("--compute " + compute.word() + ": the own matrix product of the " + driver.name()
                    + " device computes in fp32 only");
        }
        return new OwnProduct(launcher);
    }
}
