package org.bitscarp.cuda.backend;

import org.bitscarp.compute.Backend;
import org.bitscarp.compute.BackendContract;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.driver.GpuDriver;
import org.junit.jupiter.api.AfterEach;

/** The contract of all backends, on the kernels that a GPU runs. */
class EmulatedBackendTest extends BackendContract {
    private GpuDriver driver;

    @Override
    protected Backend backend() {
        driver = GpuDevices.emulated();
        return new CudaBackend(driver, 1L << 30, ComputeType.FP32, 2);
    }

    @AfterEach
    void nothingIsLeft() {
        driver.ledger().requireEmpty();
    }
}
