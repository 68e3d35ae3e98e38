package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.GpuDriver;

/** Chooses a {@link MatrixProduct}. */
final class MatrixProducts {
    private MatrixProducts() {}

    static MatrixProduct choose(GpuDriver driver, Launcher launcher, ComputeType compute) {
        return new OwnProduct(launcher);
    }
}
