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
        if (compute == ComputeType.FP32) {
            return new OwnProduct(launcher, reason);
        }
        int capability = driver.device().computeCapability();
        if (capability < TensorCores.CAPABILITY) {
            throw new GpuException("--compute " + compute.word() + " needs a device of compute capability 8.0, "
                    + driver.device().name() + " has " + capability / 10 + "." + capability % 10
                    + "; use --compute fp32");
        }
        return new TensorProduct(launcher, DenseType.valueOf(compute.name()), reason);
    }
}
