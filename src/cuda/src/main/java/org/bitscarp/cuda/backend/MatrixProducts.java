package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.cublas.CublasLibraries;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuException;

/** Chooses who multiplies: cuBLAS on an NVIDIA GPU where it loads, else the project's own kernels. */
final class MatrixProducts {
    private MatrixProducts() {}

    /** @throws GpuException when nobody here multiplies in that arithmetic */
    static MatrixProduct choose(GpuDriver driver, Launcher launcher, ComputeType compute) {
        String reason = "no library for this device";
        if (driver.name().equals("cuda")) {
            CublasLibraries libraries = CublasLibraries.look();
            if (libraries.found().isPresent()) {
                return new CublasProduct(launcher.queue, libraries.found().get(), compute);
            }
            reason = "no cuBLAS 12 or 13 loads";
        }
        if (compute != ComputeType.FP32) {
            throw new GpuException("--compute " + compute.word() + " needs cuBLAS on a GPU, found " + reason
                    + "; install libcublas 12 or 13, or use --compute fp32");
        }
        return new OwnProduct(launcher, reason);
    }
}
