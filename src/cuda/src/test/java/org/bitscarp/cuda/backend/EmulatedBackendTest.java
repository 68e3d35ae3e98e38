package org.bitscarp.cuda.backend;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.BackendContract;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.driver.GpuDriver;
import org.junit.jupiter.api.AfterAll;

/** The contract of all backends, on the kernels that a GPU runs; nothing may be left in device memory. */
class EmulatedBackendTest extends BackendContract {
    private static final List<GpuDriver> DRIVERS = new ArrayList<>();

    @Override
    protected Backend backend() {
        DRIVERS.add(GpuDevices.emulated());
        return new CudaBackend(DRIVERS.getLast(), 1L << 30, ComputeType.FP32, 2);
    }

    @AfterAll
    static void nothingIsLeft() {
        DRIVERS.forEach(driver -> driver.ledger().requireEmpty());
        DRIVERS.clear();
    }
}
